select
    {{ document_event("'Create RFQ'", 'created_at', 'created_by', 'purchase_order', 'order_id') }}
from {{ ref('int_purchase_to_pay__orders') }}
