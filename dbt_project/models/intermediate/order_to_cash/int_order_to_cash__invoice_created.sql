select
    {{ document_event("case move_type when 'out_refund' then 'Create Credit Note' else 'Create Invoice' end",
                      'created_at', 'created_by', 'account_move', 'move_id') }}
from {{ ref('int_order_to_cash__invoices') }}
