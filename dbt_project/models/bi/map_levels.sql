select
    map_levels.process,
    map_levels.element,
    nullif(map_levels.source_activity, '') as source_activity,
    nullif(map_levels.target_activity, '') as target_activity,
    map_levels.element_count,
    map_levels.own_share,
    map_levels.vanishes_at_share
from {{ source('mining', 'map_levels') }} as map_levels
