select
    {{ document_event("'Create Quotation'", 'created_at', 'created_by', 'sale_order', 'order_id') }}
from {{ ref('int_order_to_cash__orders') }}
