with
actions as (
    select
        actions.*,
        lag(application) over (partition by case_id order by event_seq) as previous_application
    from {{ ref('desktop_work__actions') }} as actions
),

sources as (
    select case_id, min(source_table collate "C") as source_format, min(recording_key collate "C") as recording_key
    from {{ ref('int_desktop_work__actions') }}
    group by case_id
),

per_application as (
    select case_id, application, count(*) as action_count, sum(duration_seconds order by event_seq) as seconds
    from actions
    group by case_id, application
),

main_applications as (
    select distinct on (case_id) case_id, application as main_application
    from per_application
    order by case_id, seconds desc nulls last, action_count desc, application collate "C"
),

per_document as (
    select case_id, document_ref, count(*) as mention_count
    from actions
    where document_ref is not null
    group by case_id, document_ref
),

main_documents as (
    select distinct on (case_id) case_id, document_ref as main_document_ref
    from per_document
    order by case_id, mention_count desc, document_ref collate "C"
),

counted as (
    select
        case_id,
        case_key,
        count(*)::int as action_count,
        count(distinct application)::int as application_count,
        count(*) filter (where previous_application <> application)::int as application_switch_count,
        count(*) filter (where action in ('copy', 'cut', 'copy_cell', 'copy_range'))::int as copy_count,
        count(*) filter (where action = 'paste')::int as paste_count,
        count(*) filter (where value_relation = 'equal')::int as copied_value_count,
        count(*) filter (where value_relation = 'transformed')::int as transformed_value_count,
        count(distinct document_ref)::int as document_count,
        coalesce(sum(duration_seconds order by event_seq), 0)::double precision as observed_seconds
    from actions
    group by case_id, case_key
),

attributes as (
    select
        counted.*,
        sources.source_format,
        sources.recording_key,
        main_applications.main_application,
        main_documents.main_document_ref
    from counted
    inner join sources on counted.case_id = sources.case_id
    inner join main_applications on counted.case_id = main_applications.case_id
    left join main_documents on counted.case_id = main_documents.case_id
)

select
    case_id, case_key, source_format, recording_key, action_count, application_count, application_switch_count, copy_count,
    paste_count, copied_value_count, transformed_value_count, document_count, main_application, main_document_ref, observed_seconds
from attributes
