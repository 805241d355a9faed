{# From the union of all kinds of events to the tables of the contract: one order, one certificate of it. #}

{# The order of a process (var event_order) as SQL; event_id is always the last resort. #}
{% macro order_columns() -%}
    {%- set columns = var('event_order') | list -%}
    {%- if 'event_id' not in columns -%}{%- do columns.append('event_id') -%}{%- endif -%}
    {{ return(columns) }}
{%- endmacro %}

{# events_unioned: case_id, activity, occurred_at, started_at, lifecycle, resource, source_system, source_table,
   source_key, source_seq, ordinal. declared_activities: the process's seed (activity, rank, …).
   order_basis is the first element of the declared order that separates an event from both its neighbours. #}
{% macro finalise_events(events_unioned, declared_activities) %}
{%- set process = "'" ~ var('process') ~ "'" -%}
{%- set order = order_columns() -%}
with
unioned as (
    select
        events.case_id,
        events.activity,
        events.occurred_at,
        events.started_at,
        events.lifecycle,
        events.resource,
        events.source_system,
        events.source_table,
        events.source_key,
        events.source_seq,
        activities.rank,
        {{ event_id(process, 'events.case_id', 'events.source_system', 'events.source_table', 'events.source_key', 'events.activity', 'events.ordinal') }} as event_id
    from {{ events_unioned }} as events
    left join {{ declared_activities }} as activities on events.activity = activities.activity
    where events.occurred_at is not null
),

ordered as (
    select
        unioned.*,
        row_number() over in_case as event_seq,
        {%- for column in order[:-1] %}
        lag({{ column }}) over in_case as previous_{{ column }},
        lead({{ column }}) over in_case as next_{{ column }},
        {%- endfor %}
        lag(event_id) over in_case as previous_event_id,
        lead(event_id) over in_case as next_event_id
    from unioned
    window in_case as (
        partition by case_id
        order by {% for column in order %}{{ column }} nulls last{{ ", " if not loop.last }}{% endfor %}
    )
),

events as (
    select
        event_id,
        case_id,
        {{ case_key(process, 'case_id') }} as case_key,
        event_seq::int as event_seq,
        activity,
        {{ activity_key('activity') }} as activity_key,
        occurred_at,
        started_at,
        lifecycle,
        resource,
        source_system,
        source_table,
        source_key,
        source_seq,
        case
            {%- for column in order[:-1] %}
            when {% for side in ['previous', 'next'] -%}
                ({{ side }}_event_id is null
                {%- for earlier in order[:order.index(column) + 1] %} or {{ side }}_{{ earlier }} is distinct from {{ earlier }}{% endfor %})
                {{- " and " if not loop.last }}
            {%- endfor %} then '{{ column }}'
            {%- endfor %}
            else 'event_id'
        end as order_basis
    from ordered
)

select
    event_id, case_id, case_key, event_seq, activity, activity_key, occurred_at, started_at, lifecycle, resource,
    source_system, source_table, source_key, source_seq, order_basis
from events
{% endmacro %}

{# events: the finalised events. case_states: (case_id, is_open). A case without a state counts as open. #}
{% macro finalise_cases(events, case_states) %}
with
grouped as (
    select
        case_id,
        case_key,
        min(least(started_at, occurred_at)) as started_at,
        max(occurred_at) as ended_at,
        count(*)::int as event_count,
        {{ variant_id('activity', 'event_seq') }} as variant_id
    from {{ events }}
    group by case_id, case_key
),

cases as (
    select
        grouped.case_id,
        grouped.case_key,
        grouped.started_at,
        grouped.ended_at,
        grouped.event_count,
        grouped.variant_id,
        coalesce(states.is_open, true) as is_open
    from grouped
    left join {{ case_states }} as states on grouped.case_id = states.case_id
)

select case_id, case_key, started_at, ended_at, event_count, variant_id, is_open
from cases
{% endmacro %}

{# What the process declares, what this build's events add, and the undeclared ones that untouched cases still have. #}
{% macro finalise_activities(events, declared_activities, touched_cases) %}
with
declared as (
    select activity, rank, category, is_automated
    from {{ declared_activities }}
),

undeclared as (
    select distinct activity
    from {{ events }}
    {%- if not var('full_rebuild') %}
    union
    select published.activity
    from {{ source('event_log', 'activities') }} as published
    where published.process = '{{ var("process") }}'
        and published.activity not in (select declared.activity from declared)
        and exists (
            select 1
            from {{ source('event_log', 'events') }} as events
            where events.process = published.process
                and events.activity_key = published.activity_key
                and events.case_id not in (select touched.case_id from {{ touched_cases }} as touched)
        )
    {%- endif %}
    except
    select activity
    from declared
),

activities as (
    select activity, rank, category, is_automated
    from declared
    union all
    select activity, null, null, null
    from undeclared
)

select
    {{ activity_key('activity') }} as activity_key,
    activity::text as activity,
    rank::int as rank,
    category::text as category,
    coalesce(is_automated, false) as is_automated
from activities
{% endmacro %}

{# What happened at a time that the source does not tell: no place in the order, so the gate keeps the case out. #}
{% macro untimed_events(events_unioned) %}
select case_id, activity, source_table, source_key
from {{ events_unioned }}
where occurred_at is null
{% endmacro %}

{# The union of all kinds of events of a process, columns as finalise_events expects them; those without a time too. #}
{% macro union_events(kinds) %}
{%- for kind in kinds %}
select
    case_id, activity::text as activity, occurred_at, started_at, lifecycle::text as lifecycle, resource::text as resource,
    source_system::text as source_system, source_table::text as source_table, source_key::text as source_key,
    source_seq::bigint as source_seq, ordinal::int as ordinal
from {{ kind }}
{{ "union all" if not loop.last }}
{%- endfor %}
{% endmacro %}
