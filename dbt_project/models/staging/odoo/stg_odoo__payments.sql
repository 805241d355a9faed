select
    source.id::text as source_key,
    source.id as payment_id,
    source.name as payment_number,
    source.state as payment_state,
    source.payment_type,
    source.partner_type,
    partner_pseudonym.pseudonym as partner,
    source.currency_id,
    source.company_id,
    source.move_id,
    source.amount,
    source.amount_company_currency_signed,
    source.date as payment_date,
    source.is_reconciled,
    create_pseudonym.pseudonym as created_by,
    source.create_date at time zone 'UTC' as created_at
from {{ source('raw_odoo', 'account_payment') }} as source
left join {{ source('raw_odoo', '_pseudonyms') }} as partner_pseudonym
    on partner_pseudonym.entity = 'partner' and partner_pseudonym.source_id = source.partner_id
left join {{ source('raw_odoo', '_pseudonyms') }} as create_pseudonym
    on create_pseudonym.entity = 'user' and create_pseudonym.source_id = source.create_uid
where not source._is_deleted
