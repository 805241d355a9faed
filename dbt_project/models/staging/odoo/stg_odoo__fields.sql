select
    source.id::text as source_key,
    source.id as field_id,
    source.name as field_name,
    source.model as document_model,
    source.ttype as field_type
from {{ source('raw_odoo', 'ir_model_fields') }} as source
where not source._is_deleted
