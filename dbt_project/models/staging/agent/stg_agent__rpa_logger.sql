select
    source.file_id || ':' || source.source_seq as source_key,
    source.file_id,
    source.source_seq,
    source.line,
    source.occurred_at,
    source.person,
    source.application,
    source.action,
    source.element_key,
    source.element_label,
    source.target_kind,
    source.target_row,
    source.container_key,
    source.value_kind,
    source.value_length,
    source.value_relation,
    source.copy_seq,
    source.document_ref
from {{ source('raw_agent', 'rpa_logger') }} as source
where not source._is_deleted
