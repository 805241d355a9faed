select
    source.id::text as source_key,
    source.id as currency_id,
    source.name as currency,
    source.decimal_places
from {{ source('raw_odoo', 'res_currency') }} as source
where not source._is_deleted
