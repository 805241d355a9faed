select
    source.id::text as source_key,
    source.id as move_id,
    source.name as move_number,
    source.state as move_state,
    source.move_type,
    source.payment_state,
    partner_pseudonym.pseudonym as partner,
    source.currency_id,
    source.company_id,
    source.reversed_entry_id as reversed_move_id,
    source.date as accounting_date,
    source.invoice_date,
    source.invoice_date_due as due_date,
    source.amount_untaxed,
    source.amount_total,
    source.amount_residual,
    source.amount_total_signed as amount_total_company_currency_signed,
    create_pseudonym.pseudonym as created_by,
    source.create_date at time zone 'UTC' as created_at
from {{ source('raw_odoo', 'account_move') }} as source
left join {{ source('raw_odoo', '_pseudonyms') }} as partner_pseudonym
    on partner_pseudonym.entity = 'partner' and partner_pseudonym.source_id = source.partner_id
left join {{ source('raw_odoo', '_pseudonyms') }} as create_pseudonym
    on create_pseudonym.entity = 'user' and create_pseudonym.source_id = source.create_uid
where not source._is_deleted
