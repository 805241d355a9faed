select
    source.id::text as source_key,
    source.id as picking_type_id,
    source.code as direction,
    source.company_id
from {{ source('raw_odoo', 'stock_picking_type') }} as source
where not source._is_deleted
