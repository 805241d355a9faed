{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

with shown as (
    select
        findings.process,
        findings.check_name,
        findings.severity,
        findings.case_id,
        findings.reason,
        findings.bad_row_count,
        findings.first_seen_at,
        row_number() over (
            partition by findings.process, findings.check_name order by findings.finding_key collate "C"
        ) as position
    from {{ source('quality', 'findings') }} as findings
    where
        exists (
            select from {{ source('event_log', 'processes') }} as processes
            where processes.process = findings.process and processes.is_case_level_public
        )
),

counted as (
    select
        findings.process,
        findings.check_name,
        count(findings.case_id) as case_count
    from {{ source('quality', 'findings') }} as findings
    group by findings.process, findings.check_name
),

hidden as (
    select
        findings.process,
        findings.check_name,
        findings.severity,
        sum(findings.bad_row_count)::bigint as bad_row_count,
        min(findings.first_seen_at) as first_seen_at
    from {{ source('quality', 'findings') }} as findings
    where
        not exists (
            select from {{ source('event_log', 'processes') }} as processes
            where processes.process = findings.process and processes.is_case_level_public
        )
    group by findings.process, findings.check_name, findings.severity
)

select
    shown.process,
    shown.check_name,
    shown.severity,
    shown.case_id,
    shown.reason,
    shown.bad_row_count,
    counted.case_count,
    shown.first_seen_at
from shown
inner join counted on shown.process = counted.process and shown.check_name = counted.check_name
where shown.position <= 10000
union all
select
    hidden.process,
    hidden.check_name,
    hidden.severity,
    null as case_id,
    null as reason,
    hidden.bad_row_count,
    counted.case_count,
    hidden.first_seen_at
from hidden
inner join counted on hidden.process = counted.process and hidden.check_name = counted.check_name
