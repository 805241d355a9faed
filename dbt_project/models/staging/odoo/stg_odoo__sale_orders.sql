select
    source.id::text as source_key,
    source.id as order_id,
    source.name as order_number,
    source.state as order_state,
    partner_pseudonym.pseudonym as customer,
    source.currency_id,
    source.company_id,
    user_pseudonym.pseudonym as salesperson,
    source.team_id,
    source.opportunity_id as lead_id,
    create_pseudonym.pseudonym as created_by,
    source.amount_untaxed,
    source.amount_total,
    source.currency_rate,
    source.invoice_status,
    source.delivery_status,
    source.date_order at time zone 'UTC' as ordered_at,
    source.commitment_date at time zone 'UTC' as committed_at,
    source.effective_date at time zone 'UTC' as delivered_at,
    source.validity_date,
    source.create_date at time zone 'UTC' as created_at
from {{ source('raw_odoo', 'sale_order') }} as source
left join {{ source('raw_odoo', '_pseudonyms') }} as partner_pseudonym
    on partner_pseudonym.entity = 'partner' and partner_pseudonym.source_id = source.partner_id
left join {{ source('raw_odoo', '_pseudonyms') }} as user_pseudonym
    on user_pseudonym.entity = 'user' and user_pseudonym.source_id = source.user_id
left join {{ source('raw_odoo', '_pseudonyms') }} as create_pseudonym
    on create_pseudonym.entity = 'user' and create_pseudonym.source_id = source.create_uid
where not source._is_deleted
