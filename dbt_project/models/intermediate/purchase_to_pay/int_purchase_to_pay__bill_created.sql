select
    {{ document_event("case move_type when 'in_refund' then 'Create Vendor Credit Note' else 'Create Vendor Bill' end",
                      'created_at', 'created_by', 'account_move', 'move_id') }}
from {{ ref('int_purchase_to_pay__bills') }}
