{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    activities.process,
    activities.activity_key,
    activities.activity,
    activities.rank,
    activities.category,
    activities.is_automated
from {{ source('event_log', 'activities') }} as activities
where
    exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = activities.process and processes.is_case_level_public
    )
    or exists (
        select from {{ source('mining', 'activity_kpis') }} as activity_kpis
        where activity_kpis.process = activities.process and activity_kpis.activity = activities.activity
    )
