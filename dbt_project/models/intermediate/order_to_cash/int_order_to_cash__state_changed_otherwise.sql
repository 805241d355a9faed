{#- A change of state whose label is not in the seed odoo__state_labels, or that has no name of its own: shown, not lost. -#}
select
    {{ change_event("'Change Order State'") }}
from {{ ref('int_order_to_cash__changes') }} as changes
where document_model = 'sale.order' and field_name = 'state'
    and (new_state is null or new_state not in ('draft', 'sent', 'sale', 'cancel'))
