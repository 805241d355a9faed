select
    {{ document_event("'Register Payment'", 'created_at', 'created_by', 'account_payment', 'payment_id') }}
from {{ ref('int_purchase_to_pay__payments') }}
where payment_state is distinct from 'draft'
