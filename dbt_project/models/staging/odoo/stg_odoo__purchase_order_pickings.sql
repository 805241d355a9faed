select
    source.purchase_order_id || ':' || source.stock_picking_id as source_key,
    source.purchase_order_id as order_id,
    source.stock_picking_id as picking_id
from {{ source('raw_odoo', 'purchase_order_stock_picking_rel') }} as source
where not source._is_deleted
