select
    {{ document_event("'Register Payment'", 'created_at', 'created_by', 'account_payment', 'payment_id') }}
from {{ ref('int_order_to_cash__payments') }}
where payment_state is distinct from 'draft'
