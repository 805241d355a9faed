{# What the Odoo models share. #}

{# A translated text (jsonb, language -> text): English where there is one, else the first language by name. #}
{% macro label(column) -%}
coalesce(
        {{ column }} ->> 'en_US',
        (select translation.value from jsonb_each_text({{ column }}) as translation order by translation.key collate "C" limit 1)
    )
{%- endmacro %}

{# Which raw rows make which case: one branch of a union per way from a raw table to the case's root document.
   branches: (source_table, id or none, key if it is not the id, path); documents: (model, alias, path), whose change log
   rows belong too. A path is a list of (alias, relation, join condition), from the table itself to the root. #}
{% macro case_rows_of_odoo(branches, documents, root_id, case_id) %}
{%- set all = branches | list -%}
{%- for model, alias, path in documents -%}
    {%- set on_document = "messages.model = '" ~ model ~ "' and messages.res_id = " ~ alias ~ ".id" -%}
    {%- set to_message = [('messages', source('raw_odoo', 'mail_message'))] -%}
    {%- set to_change = [
        ('changes', source('raw_odoo', 'mail_tracking_value')),
        ('messages', source('raw_odoo', 'mail_message'), 'messages.id = changes.mail_message_id'),
    ] -%}
    {%- set to_root = [(path[0][0], path[0][1], on_document)] + path[1:] -%}
    {%- do all.append(('mail_message', 'messages.id', none, to_message + to_root)) -%}
    {%- do all.append(('mail_tracking_value', 'changes.id', none, to_change + to_root)) -%}
{%- endfor -%}
{% for source_table, source_id, source_key, path in all %}
select
    '{{ source_table }}'::text as source_table,
    {{ source_key or source_id ~ '::text' }} as source_key,
    {{ source_id ~ '::bigint' if source_id else 'null::bigint' }} as source_id,
    {{ root_id }} as root_id,
    ({{ case_id }})::text as case_id,
    not ({% for step in path %}{{ step[0] }}._is_deleted{{ " or " if not loop.last }}{% endfor %}) as is_current,
    {{ path[0][0] }}._version
from {{ path[0][1] }} as {{ path[0][0] }}
{%- for step in path[1:] %}
inner join {{ step[1] }} as {{ step[0] }} on {{ step[2] }}
{%- endfor %}
{{ "union all" if not loop.last }}
{%- endfor %}
{% endmacro %}

{# All raw rows that a process reads, belonging to a case or not: (source_table, source_key, _version). #}
{% macro source_rows_of_odoo(keys_of_tables) %}
{%- for table, key in keys_of_tables %}
select '{{ table }}'::text as source_table, {{ key | join("::text || ':' || ") }}::text as source_key, _version
from {{ source('raw_odoo', table) }}
{{ "union all" if not loop.last }}
{%- endfor %}
{% endmacro %}

{# Before a union of many joins over whole tables: each of them keeps a hash table until the end, and all of them together
   have to fit into memory. #}
{% macro with_little_memory() -%}
    set local work_mem = '16MB'; set local hash_mem_multiplier = 1
{%- endmacro %}

{# Before a model that follows the touched cases' rows into large tables: they are looked up, as SSDs allow. At PostgreSQL's
   own price of a random page whole tables would be read for 2 % of their rows; a full rebuild does read them whole.
   workers: processes that help with it, where many rows are to be looked up and nothing is summed. #}
{% macro with_rows_looked_up(workers=0) -%}
    {% if not var('full_rebuild') -%}
        set local random_page_cost = 1.1
        {%- if workers %}; set local max_parallel_workers_per_gather = {{ workers }}{% endif %}
    {%- endif %}
{%- endmacro %}

{# The rows of the touched cases, each once per case. Few cases are looked up one by one through the indexes (a plain join
   would read every branch of the union whole); a full rebuild reads everything once, all cases being touched.
   root_of_case: the id of the case's root document from touched.case_id, where the case's name itself has no index.
   half: 1 or 2, where two models have half of the cases each, which a night looks up at once; a full rebuild has all in 1. #}
{% macro touched_rows(case_rows, touched_cases, root_of_case=none, half=none) %}
{%- set joined = "rows.root_id = " ~ root_of_case if root_of_case else "rows.case_id = touched.case_id" -%}
select
    rows.source_table,
    rows.source_key,
    rows.source_id,
    rows.case_id,
    bool_or(rows.is_current) as is_current
{%- if var('full_rebuild') %}
from {{ case_rows }} as rows
where rows.case_id is not null {{- " and false" if half == 2 }}
{%- else %}
from {{ touched_cases }} as touched
cross join lateral (
    select rows.source_table, rows.source_key, rows.source_id, rows.case_id, rows.is_current
    from {{ case_rows }} as rows
    where {{ joined }}
    offset 0  -- keeps the look-up inside, so that each branch of the union gets it
) as rows
{%- if half %}
where hashtext(touched.case_id) & 1 = {{ half - 1 }}
{%- endif %}
{%- endif %}
group by rows.source_table, rows.source_key, rows.source_id, rows.case_id
{% endmacro %}

{# The change log of the touched cases' documents: one row per case and changed field, states by their keys. #}
{% macro tracked_changes_of_odoo(rows) %}
select
    rows.case_id,
    rows.source_key,
    messages.document_model,
    messages.document_id,
    fields.field_name,
    old_labels.state as old_state,
    new_labels.state as new_state,
    changes.old_label,
    changes.new_label,
    changes.old_value_integer,
    changes.new_value_integer,
    changes.old_value_float,
    changes.new_value_float,
    messages.sent_at as occurred_at,
    messages.created_by as resource,
    messages.message_id::bigint as source_seq
from {{ rows }} as rows
inner join {{ ref('stg_odoo__tracked_changes') }} as changes on rows.source_id = changes.tracking_id
inner join {{ ref('stg_odoo__messages') }} as messages on changes.message_id = messages.message_id
inner join {{ ref('stg_odoo__fields') }} as fields on changes.field_id = fields.field_id
left join {{ ref('odoo__state_labels') }} as old_labels
    on messages.document_model = old_labels.model and changes.old_label = old_labels.label
left join {{ ref('odoo__state_labels') }} as new_labels
    on messages.document_model = new_labels.model and changes.new_label = new_labels.label
where rows.source_table = 'mail_tracking_value' and rows.is_current
{% endmacro %}

{# An event from a row of the change log (called `changes` where it is joined). #}
{% macro change_event(activity) -%}
changes.case_id,
    {{ activity }} as activity,
    changes.occurred_at,
    null::timestamptz as started_at,
    'complete' as lifecycle,
    changes.resource,
    'odoo' as source_system,
    'mail_tracking_value' as source_table,
    changes.source_key,
    changes.source_seq,
    1 as ordinal
{%- endmacro %}

{# An event from a document's own row, in the order of the documents' numbers where times tie. #}
{% macro document_event(activity, occurred_at, resource, table, id) -%}
case_id,
    {{ activity }} as activity,
    {{ occurred_at }} as occurred_at,
    null::timestamptz as started_at,
    'complete' as lifecycle,
    {{ resource }} as resource,
    'odoo' as source_system,
    '{{ table }}' as source_table,
    {{ id }}::text as source_key,
    {{ id }}::bigint as source_seq,
    1 as ordinal
{%- endmacro %}

{# Transfers that were done: the change log first. Where it is silent (imported transfers, a purged log), the transfer's own
   date. direction: 'incoming' or 'outgoing'. #}
{% macro transfers_done(activity, direction, changes, pickings) %}
with
logged as (
    select
        {{ change_event(activity) | indent(4) }}
    from {{ changes }} as changes
    where document_model = 'stock.picking' and field_name = 'state' and new_state = 'done'
        and exists (
            select 1
            from {{ pickings }} as pickings
            where pickings.case_id = changes.case_id and pickings.picking_id = changes.document_id
                and pickings.direction = '{{ direction }}'
        )
),

unlogged as (
    select
        {{ document_event(activity, 'done_at', 'changed_by', 'stock_picking', 'picking_id') | indent(4) }}
    from {{ pickings }} as pickings
    where direction = '{{ direction }}' and picking_state = 'done' and done_at is not null
        and not exists (
            select 1
            from {{ changes }} as changes
            where changes.document_model = 'stock.picking' and changes.field_name = 'state'
                and changes.document_id = pickings.picking_id and changes.new_state = 'done'
        )
)

select * from logged
union all
select * from unlogged
{% endmacro %}

{# Which orders are open. Closed: cancelled; or everything ordered is invoiced, and every invoice is settled. Documents'
   states decide, no clock. lines: the staging model of raw table `line_table`; invoices: those of the touched cases. #}
{% macro open_orders(orders, rows, lines, line_table, invoices) %}
with
cases as (
    select case_id, bool_and(order_state = 'cancel') as is_cancelled
    from {{ orders }}
    group by case_id
),

invoicing as (
    select rows.case_id, bool_and(lines.invoiced_quantity >= lines.ordered_quantity) as is_fully_invoiced
    from {{ rows }} as rows
    inner join {{ lines }} as lines on rows.source_id = lines.order_line_id
    where rows.source_table = '{{ line_table }}' and rows.is_current and lines.display_type is null
    group by rows.case_id
),

payment as (
    select
        case_id,
        bool_and(move_state = 'posted' and payment_state in ('paid', 'in_payment', 'reversed')) as is_settled
    from {{ invoices }}
    where move_state <> 'cancel'
    group by case_id
),

case_states as (
    select
        cases.case_id,
        not (
            coalesce(cases.is_cancelled, false)
            or (coalesce(invoicing.is_fully_invoiced, false) and coalesce(payment.is_settled, false))
        ) as is_open
    from cases
    left join invoicing on cases.case_id = invoicing.case_id
    left join payment on cases.case_id = payment.case_id
)

select case_id, is_open
from case_states
{% endmacro %}
