select
    source.id::text as source_key,
    source.id as order_line_id,
    source.order_id,
    source.product_id,
    source.product_uom_qty as ordered_quantity,
    source.price_unit,
    source.price_subtotal,
    source.discount as discount_percent,
    source.qty_delivered as delivered_quantity,
    source.qty_invoiced as invoiced_quantity,
    source.display_type
from {{ source('raw_odoo', 'sale_order_line') }} as source
where not source._is_deleted
