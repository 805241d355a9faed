select
    {{ change_event("case bills.move_type when 'in_refund' then 'Post Vendor Credit Note' else 'Post Vendor Bill' end") }}
from {{ ref('int_purchase_to_pay__changes') }} as changes
inner join {{ ref('int_purchase_to_pay__bills') }} as bills using (case_id)
where changes.document_model = 'account.move' and changes.field_name = 'state' and changes.new_state = 'posted'
    and bills.move_id = changes.document_id
