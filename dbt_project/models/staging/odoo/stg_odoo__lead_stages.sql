select
    source.id::text as source_key,
    source.id as stage_id,
    source.sequence as stage_position,
    {{ label('source.name') }} as stage,
    source.is_won
from {{ source('raw_odoo', 'crm_stage') }} as source
where not source._is_deleted
