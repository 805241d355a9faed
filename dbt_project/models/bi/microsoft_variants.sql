select
    variants.process,
    variants.rank as variant,
    variants.variant_id,
    array_to_string(variants.activities, ' -> ') as path,
    variants.case_count as case_frequency,
    variants.case_share as case_frequency_share,
    variants.activity_count * variants.case_count as event_frequency,
    variants.mean_seconds as mean_duration_seconds,
    variants.median_seconds as median_duration_seconds
from {{ source('mining', 'variants') }} as variants
