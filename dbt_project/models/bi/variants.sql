select
    variants.process,
    variants.variant_id,
    variants.rank,
    variants.activities,
    variants.activity_count,
    variants.case_count,
    variants.case_share,
    variants.cumulative_share,
    variants.mean_seconds,
    variants.median_seconds
from {{ source('mining', 'variants') }} as variants
