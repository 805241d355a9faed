select
    dependencies.process,
    dependencies.source_activity,
    dependencies.target_activity,
    dependencies.edge_count,
    dependencies.reverse_edge_count,
    dependencies.dependency,
    dependencies.two_loop_count,
    dependencies.two_loop_dependency,
    dependencies.next_count,
    dependencies.long_distance_dependency,
    dependencies.is_in_net,
    dependencies.is_long_distance
from {{ source('mining', 'dependencies') }} as dependencies
