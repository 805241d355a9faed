with arcs as (
    select
        dfg.process,
        coalesce(source.category, dfg.source_activity) as source_category,
        coalesce(target.category, dfg.target_activity) as target_category,
        dfg.edge_count,
        dfg.backward_count,
        dfg.total_seconds
    from {{ source('mining', 'dfg') }} as dfg
    inner join {{ source('event_log', 'activities') }} as source
        on dfg.process = source.process and dfg.source_activity = source.activity
    inner join {{ source('event_log', 'activities') }} as target
        on dfg.process = target.process and dfg.target_activity = target.activity
),

category_dfg as (
    select
        arcs.process,
        arcs.source_category,
        arcs.target_category,
        count(*) as arc_count,
        sum(arcs.edge_count)::bigint as edge_count,
        sum(arcs.backward_count)::bigint as backward_count,
        sum(arcs.total_seconds::numeric)::double precision as total_seconds,
        (sum(arcs.total_seconds::numeric) / sum(arcs.edge_count))::double precision as mean_seconds
    from arcs
    group by arcs.process, arcs.source_category, arcs.target_category
)

select
    category_dfg.process,
    category_dfg.source_category,
    category_dfg.target_category,
    category_dfg.arc_count,
    category_dfg.edge_count,
    category_dfg.backward_count,
    category_dfg.total_seconds,
    category_dfg.mean_seconds
from category_dfg
