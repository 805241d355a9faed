{{ config(materialized='table', unlogged=true, pre_hook="{{ with_rows_looked_up() }}", post_hook="analyze {{ this }}") }}
select
    rows.case_id,
    pickings.picking_id,
    pickings.picking_state,
    types.direction,
    pickings.done_at,
    pickings.changed_by,
    pickings.created_at
from {{ ref('int_purchase_to_pay__rows') }} as rows
inner join {{ ref('stg_odoo__pickings') }} as pickings on rows.source_id = pickings.picking_id
left join {{ ref('stg_odoo__picking_types') }} as types on pickings.picking_type_id = types.picking_type_id
where rows.source_table = 'stock_picking' and rows.is_current
