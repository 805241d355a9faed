select
    suppressions.process,
    suppressions.table_name,
    suppressions.k_anonymity,
    suppressions.published_count,
    suppressions.suppressed_count
from {{ source('mining', 'suppressions') }} as suppressions
