select
    activity_kpis.process,
    activity_kpis.activity,
    activity_kpis.event_count,
    activity_kpis.case_count,
    activity_kpis.case_share,
    activity_kpis.start_count,
    activity_kpis.end_count,
    activity_kpis.first_at,
    activity_kpis.last_at,
    activity_kpis.mean_wait_seconds,
    activity_kpis.median_wait_seconds,
    activity_kpis.p90_wait_seconds,
    activity_kpis.service_count,
    activity_kpis.mean_service_seconds,
    activity_kpis.median_service_seconds,
    activity_kpis.resource_count
from {{ source('mining', 'activity_kpis') }} as activity_kpis
