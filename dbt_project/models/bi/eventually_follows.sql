select
    eventually_follows.process,
    eventually_follows.source_activity,
    eventually_follows.target_activity,
    eventually_follows.pair_count,
    eventually_follows.next_count,
    eventually_follows.case_count,
    eventually_follows.source_case_share,
    eventually_follows.target_case_share
from {{ source('mining', 'eventually_follows') }} as eventually_follows
