{# The cases that this build makes: a superset of the changed ones, never less.
   case_rows: view (source_table, source_key, case_id, _version, …), tombstones included: where raw rows belong now.
   source_rows: view (source_table, source_key, _version) of all raw rows that the process reads, belonging or not.
   root_table: the table whose every row is a case, where there is one: a full rebuild need not look at any other.
   Where rows belonged before is ops.case_rows; quarantined cases are looked at every time. #}
{% macro touched_cases(case_rows, source_rows, root_table=none) %}
with
current_cases as (
    select distinct case_id
    from {{ case_rows }}
    {%- if not var('full_rebuild') %}
    where _version > {{ var('gated_version') | int }}
    {%- elif root_table %}
    where source_table = '{{ root_table }}'
    {%- endif %}
),

{% if var('full_rebuild') -%}
former_cases as (
    select case_id
    from {{ source('event_log', 'cases') }}
    where process = '{{ var("process") }}'
    union all
    select case_id
    from {{ source('ops', 'case_rows') }}
    where process = '{{ var("process") }}'
),
{%- else -%}
changed_rows as materialized (
    select distinct source_table, source_key
    from {{ source_rows }}
    where _version > {{ var('gated_version') | int }}
),

former_cases as (
    select published.case_id
    from changed_rows
    inner join {{ source('ops', 'case_rows') }} as published
        on published.process = '{{ var("process") }}'
        and published.source_table = changed_rows.source_table
        and published.source_key = changed_rows.source_key
),
{%- endif %}

quarantined_cases as (
    select case_id
    from {{ source('quality', 'quarantined_cases') }}
    where process = '{{ var("process") }}'
),

touched_cases as (
    select case_id from current_cases
    union
    select case_id from former_cases
    union
    select case_id from quarantined_cases
)

select case_id::text as case_id
from touched_cases
where case_id is not null
{% endmacro %}
