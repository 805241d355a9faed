select
    quarantined_rows.system,
    quarantined_rows.source_table,
    quarantined_rows.check_name,
    count(*) as row_count,
    min(quarantined_rows.first_seen_at) as first_seen_at
from {{ source('quality', 'quarantined_rows') }} as quarantined_rows
group by quarantined_rows.system, quarantined_rows.source_table, quarantined_rows.check_name
