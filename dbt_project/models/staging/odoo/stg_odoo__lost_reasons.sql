select
    source.id::text as source_key,
    source.id as lost_reason_id,
    {{ label('source.name') }} as lost_reason
from {{ source('raw_odoo', 'crm_lost_reason') }} as source
where not source._is_deleted
