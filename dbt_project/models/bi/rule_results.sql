with
overdue as (
    select
        obligations.process,
        obligations.rule,
        count(distinct obligations.case_key) as overdue_case_count
    from {{ source('mining', 'obligations') }} as obligations
    inner join {{ source('event_log', 'processes') }} as processes
        on obligations.process = processes.process and obligations.due_at < processes.as_of
    group by obligations.process, obligations.rule
),

rule_results as (
    select
        results.process,
        results.rule,
        results.rule_number,
        results.template,
        results.expected,
        results.description,
        results.case_count,
        results.activation_count,
        results.violating_case_count,
        results.violation_count,
        results.violating_case_share,
        results.pending_case_count,
        results.pending_count,
        coalesce(overdue.overdue_case_count, 0) as overdue_case_count
    from {{ source('mining', 'rule_results') }} as results
    left join overdue on results.process = overdue.process and results.rule = overdue.rule
)

select
    process, rule, rule_number, template, expected, description, case_count, activation_count, violating_case_count,
    violation_count, violating_case_share, pending_case_count, pending_count, overdue_case_count
from rule_results
