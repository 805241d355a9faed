with causes as (
    select
        waiting_causes.process,
        waiting_causes.activity,
        split.cause,
        split.seconds::numeric as seconds
    from {{ source('mining', 'waiting_causes') }} as waiting_causes
    cross join lateral (
        values
        ('batching', waiting_causes.batching_seconds),
        ('unavailability', waiting_causes.unavailability_seconds),
        ('contention', waiting_causes.contention_seconds),
        ('prioritisation', waiting_causes.prioritisation_seconds),
        ('extraneous', waiting_causes.extraneous_seconds)
    ) as split (cause, seconds)
),

summed as (
    select
        causes.process,
        causes.activity,
        causes.cause,
        sum(causes.seconds)::double precision as wait_seconds
    from causes
    group by grouping sets ((causes.process, causes.activity, causes.cause), (causes.process, causes.cause))
),

effects as (
    select
        summed.process,
        summed.activity,
        summed.cause,
        summed.wait_seconds,
        process_times.cycle_time_efficiency_share,
        process_times.total_processing_seconds
        / nullif(greatest(process_times.total_throughput_seconds - summed.wait_seconds, 0), 0) as share_without
    from summed
    inner join {{ source('mining', 'process_times') }} as process_times on summed.process = process_times.process
)

select
    effects.process,
    effects.activity,
    effects.cause,
    effects.wait_seconds,
    effects.cycle_time_efficiency_share,
    effects.share_without as efficiency_share_without,
    effects.share_without - effects.cycle_time_efficiency_share as efficiency_share_gain
from effects
