select
    {{ change_event("'Reset Vendor Bill to Draft'") }}
from {{ ref('int_purchase_to_pay__changes') }} as changes
inner join {{ ref('int_purchase_to_pay__bills') }} as bills using (case_id)
where changes.document_model = 'account.move' and changes.field_name = 'state' and changes.new_state = 'draft'
    and bills.move_id = changes.document_id
