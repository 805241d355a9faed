select
    source.invoice_line_id || ':' || source.order_line_id as source_key,
    source.invoice_line_id as move_line_id,
    source.order_line_id
from {{ source('raw_odoo', 'sale_order_line_invoice_rel') }} as source
where not source._is_deleted
