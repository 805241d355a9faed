select
    order_bounds.process,
    order_bounds.trusted_order,
    order_bounds.result,
    order_bounds.kpi,
    nullif(order_bounds.activity, '') as activity,
    nullif(order_bounds.next_activity, '') as next_activity,
    nullif(order_bounds.variant_id, '') as variant_id,
    order_bounds.value,
    order_bounds.lowest,
    order_bounds.highest,
    order_bounds.is_exact
from {{ source('mining', 'order_bounds') }} as order_bounds
