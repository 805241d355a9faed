select
    source.id::text as source_key,
    source.id as move_line_id,
    source.move_id,
    source.product_id,
    source.purchase_line_id as purchase_order_line_id,
    source.quantity,
    source.price_unit,
    source.price_subtotal
from {{ source('raw_odoo', 'account_move_line') }} as source
where not source._is_deleted
