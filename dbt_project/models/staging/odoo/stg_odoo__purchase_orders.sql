select
    source.id::text as source_key,
    source.id as order_id,
    source.name as order_number,
    source.state as order_state,
    source.acknowledged as is_acknowledged,
    partner_pseudonym.pseudonym as vendor,
    source.currency_id,
    source.company_id,
    user_pseudonym.pseudonym as buyer,
    create_pseudonym.pseudonym as created_by,
    source.amount_untaxed,
    source.amount_total,
    source.amount_total_cc as amount_total_company_currency,
    source.currency_rate,
    source.date_order at time zone 'UTC' as ordered_at,
    source.date_approve at time zone 'UTC' as approved_at,
    source.date_planned at time zone 'UTC' as planned_at,
    source.effective_date at time zone 'UTC' as received_at,
    source.create_date at time zone 'UTC' as created_at
from {{ source('raw_odoo', 'purchase_order') }} as source
left join {{ source('raw_odoo', '_pseudonyms') }} as partner_pseudonym
    on partner_pseudonym.entity = 'partner' and partner_pseudonym.source_id = source.partner_id
left join {{ source('raw_odoo', '_pseudonyms') }} as user_pseudonym
    on user_pseudonym.entity = 'user' and user_pseudonym.source_id = source.user_id
left join {{ source('raw_odoo', '_pseudonyms') }} as create_pseudonym
    on create_pseudonym.entity = 'user' and create_pseudonym.source_id = source.create_uid
where not source._is_deleted
