select
    {{ change_event("'Reset Invoice to Draft'") }}
from {{ ref('int_order_to_cash__changes') }} as changes
inner join {{ ref('int_order_to_cash__invoices') }} as invoices using (case_id)
where changes.document_model = 'account.move' and changes.field_name = 'state' and changes.new_state = 'draft'
    and invoices.move_id = changes.document_id
