select
    order_ties.process,
    order_ties.order_basis,
    order_ties.tied_event_count,
    order_ties.tied_case_count
from {{ source('event_log', 'order_ties') }} as order_ties
