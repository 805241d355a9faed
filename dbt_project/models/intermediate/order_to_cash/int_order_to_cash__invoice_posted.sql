select
    {{ change_event("case invoices.move_type when 'out_refund' then 'Post Credit Note' else 'Post Invoice' end") }}
from {{ ref('int_order_to_cash__changes') }} as changes
inner join {{ ref('int_order_to_cash__invoices') }} as invoices using (case_id)
where changes.document_model = 'account.move' and changes.field_name = 'state' and changes.new_state = 'posted'
    and invoices.move_id = changes.document_id
