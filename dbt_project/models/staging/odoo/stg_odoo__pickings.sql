select
    source.id::text as source_key,
    source.id as picking_id,
    source.name as picking_number,
    source.state as picking_state,
    source.picking_type_id,
    partner_pseudonym.pseudonym as partner,
    source.company_id,
    source.sale_id as sale_order_id,
    source.backorder_id,
    source.return_id,
    source.scheduled_date at time zone 'UTC' as scheduled_at,
    source.date_deadline at time zone 'UTC' as deadline_at,
    source.date_done at time zone 'UTC' as done_at,
    create_pseudonym.pseudonym as created_by,
    write_pseudonym.pseudonym as changed_by,
    source.create_date at time zone 'UTC' as created_at
from {{ source('raw_odoo', 'stock_picking') }} as source
left join {{ source('raw_odoo', '_pseudonyms') }} as partner_pseudonym
    on partner_pseudonym.entity = 'partner' and partner_pseudonym.source_id = source.partner_id
left join {{ source('raw_odoo', '_pseudonyms') }} as create_pseudonym
    on create_pseudonym.entity = 'user' and create_pseudonym.source_id = source.create_uid
left join {{ source('raw_odoo', '_pseudonyms') }} as write_pseudonym
    on write_pseudonym.entity = 'user' and write_pseudonym.source_id = source.write_uid
where not source._is_deleted
