with nodes as (
    select
        activity_kpis.process,
        true as is_node,
        activity_kpis.activity as source_activity,
        null::text as target_activity,
        activity_kpis.case_count as case_frequency,
        activity_kpis.event_count as event_frequency,
        rework.max_per_case as maximum_occurrence_in_case,
        activity_kpis.mean_service_seconds * activity_kpis.service_count as total_duration_seconds,
        activity_kpis.mean_service_seconds as mean_duration_seconds,
        activity_kpis.median_service_seconds as median_duration_seconds,
        null::double precision as minimum_duration_seconds,
        null::double precision as maximum_duration_seconds,
        rework.self_loop_count
    from {{ source('mining', 'activity_kpis') }} as activity_kpis
    left join {{ source('mining', 'rework') }} as rework
        on activity_kpis.process = rework.process and activity_kpis.activity = rework.activity
),

edges as (
    select
        dfg.process,
        false as is_node,
        dfg.source_activity,
        dfg.target_activity,
        dfg.case_count as case_frequency,
        dfg.edge_count as event_frequency,
        null::bigint as maximum_occurrence_in_case,
        dfg.total_seconds as total_duration_seconds,
        dfg.mean_seconds as mean_duration_seconds,
        dfg.median_seconds as median_duration_seconds,
        dfg.min_seconds as minimum_duration_seconds,
        dfg.max_seconds as maximum_duration_seconds,
        case when dfg.source_activity = dfg.target_activity then dfg.edge_count else 0 end as self_loop_count
    from {{ source('mining', 'dfg') }} as dfg
),

outer_edges as (
    select
        start_activities.process,
        null::text as source_activity,
        start_activities.activity as target_activity,
        start_activities.case_count
    from {{ source('mining', 'start_activities') }} as start_activities
    union all
    select
        end_activities.process,
        end_activities.activity as source_activity,
        null::text as target_activity,
        end_activities.case_count
    from {{ source('mining', 'end_activities') }} as end_activities
)

select
    nodes.process,
    nodes.is_node,
    nodes.source_activity,
    nodes.target_activity,
    nodes.case_frequency,
    nodes.event_frequency,
    nodes.maximum_occurrence_in_case,
    nodes.total_duration_seconds,
    nodes.mean_duration_seconds,
    nodes.median_duration_seconds,
    nodes.minimum_duration_seconds,
    nodes.maximum_duration_seconds,
    nodes.self_loop_count
from nodes
union all
select
    edges.process,
    edges.is_node,
    edges.source_activity,
    edges.target_activity,
    edges.case_frequency,
    edges.event_frequency,
    edges.maximum_occurrence_in_case,
    edges.total_duration_seconds,
    edges.mean_duration_seconds,
    edges.median_duration_seconds,
    edges.minimum_duration_seconds,
    edges.maximum_duration_seconds,
    edges.self_loop_count
from edges
union all
select
    outer_edges.process,
    false as is_node,
    outer_edges.source_activity,
    outer_edges.target_activity,
    outer_edges.case_count as case_frequency,
    outer_edges.case_count as event_frequency,
    1::bigint as maximum_occurrence_in_case,
    null::double precision as total_duration_seconds,
    null::double precision as mean_duration_seconds,
    null::double precision as median_duration_seconds,
    null::double precision as minimum_duration_seconds,
    null::double precision as maximum_duration_seconds,
    0::bigint as self_loop_count
from outer_edges
