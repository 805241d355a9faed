select
    {{ document_event("'Create Quotation'", 'created_at', 'created_by', 'sale_order', 'order_id') }}
from {{ ref('int_lead_to_order__quotations') }}
