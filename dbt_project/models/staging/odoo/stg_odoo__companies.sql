select
    source.id::text as source_key,
    source.id as company_id,
    source.currency_id
from {{ source('raw_odoo', 'res_company') }} as source
where not source._is_deleted
