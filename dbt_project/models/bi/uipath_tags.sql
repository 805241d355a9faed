{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

with tags as (
    select distinct
        violations.process,
        violations.case_id,
        violations.rule as tag,
        'Violation' as tag_type
    from {{ source('mining', 'violations') }} as violations
    union all
    select
        case_kpis.process,
        case_kpis.case_id,
        'Rework' as tag,
        'Rework' as tag_type
    from {{ source('mining', 'case_kpis') }} as case_kpis
    where case_kpis.rework_count > 0
)

select
    tags.process,
    md5(concat_ws(chr(31), tags.process, tags.case_id, tags.tag_type, tags.tag))::uuid as tag_id,
    tags.case_id,
    tags.tag,
    tags.tag_type
from tags
where
    exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = tags.process and processes.is_case_level_public
    )
