"""The mining tables a second way: SQL over what is published, sharing nothing with the mining tasks.

Each query gives the rows of a table of schema mining for one process, columns as named in COLUMNS.
"""

COLUMNS = {
    "dfg": "source_activity, target_activity, edge_count, case_count, backward_count, mean_seconds, median_seconds, "
    "p90_seconds, min_seconds, max_seconds, total_seconds",
    "slow_transitions": "rank, source_activity, target_activity, edge_count, total_seconds, total_share, "
    "cumulative_share",
    "variants": "variant_id, rank, activities, activity_count, case_count, case_share, cumulative_share, mean_seconds, "
    "median_seconds",
    "start_activities": "activity, case_count, case_share",
    "end_activities": "activity, case_count, case_share",
    "activity_kpis": "activity, event_count, case_count, case_share, start_count, end_count, first_at, last_at, "
    "mean_wait_seconds, median_wait_seconds, p90_wait_seconds, service_count, mean_service_seconds, "
    "median_service_seconds, resource_count",
    "case_kpis": "case_id, case_key, started_at, ended_at, throughput_seconds, event_count, activity_count, "
    "rework_count, "
    "self_loop_count, start_activity, end_activity, longest_wait_seconds, longest_wait_source_activity, "
    "longest_wait_target_activity, variant_id, is_open",
    "process_kpis": "case_count, open_case_count, event_count, activity_count, variant_count, edge_count, "
    "first_at, last_at, "
    "mean_seconds, median_seconds, p90_seconds, min_seconds, max_seconds, closed_mean_seconds, "
    "closed_median_seconds, mean_events_per_case, rework_case_count, rework_case_share, resource_count",
    "throughput_by_week": "week_start, started_count, ended_count, mean_seconds, median_seconds",
    "rework": "activity, case_count, repeat_case_count, repeat_case_share, repeat_count, self_loop_count, max_per_case",
}

STEPS = """
with e as (
    select *, coalesce(started_at, occurred_at) as begins_at from event_log.events where process = %(process)s
),
gaps as (
    select
        case_key, event_seq, occurred_at, activity as target, lag(activity) over w as source,
        greatest(extract(epoch from begins_at - lag(occurred_at) over w), 0) as gap,
        begins_at < lag(occurred_at) over w as is_backward
    from e window w as (partition by case_key order by event_seq)
),
arcs as (select * from gaps where source is not null),
spans as (
    select
        case_key, min(least(begins_at, occurred_at)) as started_at, max(greatest(begins_at, occurred_at)) as ended_at,
        count(*) as event_count, count(distinct activity) as activity_count,
        (array_agg(activity order by event_seq))[1] as first_activity,
        (array_agg(activity order by event_seq desc))[1] as last_activity,
        array_agg(activity order by event_seq) as activities
    from e group by case_key
),
cases as (
    select spans.*, extract(epoch from spans.ended_at - spans.started_at) as seconds, c.case_id, c.is_open, c.variant_id
    from spans inner join event_log.cases as c on c.process = %(process)s and c.case_key = spans.case_key
),
dfg as (
    select
        source, target, count(*) as edge_count, count(distinct case_key) as case_count,
        count(*) filter (where is_backward) as backward_count, avg(gap) as mean,
        percentile_cont(0.5) within group (order by gap) as median, percentile_cont(0.9) within group (order by gap)
        as p90,
        min(gap) as least, max(gap) as most, sum(gap) as total
    from arcs group by source, target
)
"""

QUERIES = {
    "dfg": "select * from dfg",
    "slow_transitions": """
        select row_number() over w, source, target, edge_count, total, coalesce(total / nullif(sum(total) over (),
        0), 0),
               coalesce(sum(total) over w / nullif(sum(total) over (), 0), 0)
        from dfg window w as (order by total desc,
            ('x' || left(encode(sha256(convert_to(source, 'UTF8')), 'hex'), 8))::bit(32)::bigint & 4294967295,
            ('x' || left(encode(sha256(convert_to(target, 'UTF8')), 'hex'), 8))::bit(32)::bigint & 4294967295)""",
    "variants": """
        , v as (select variant_id, activities, count(*) as n, avg(seconds) as mean,
                       percentile_cont(0.5) within group (order by seconds) as median
                from cases group by variant_id, activities)
        select variant_id, row_number() over w, activities, cardinality(activities), n, n / sum(n) over (),
               sum(n) over w / sum(n) over (), mean, median
        from v window w as (order by n desc, variant_id collate "C")""",
    "start_activities": """
        select first_activity, count(*), count(*)::float8 / sum(count(*)) over () from cases group by 1""",
    "end_activities": "select last_activity, count(*), count(*)::float8 / sum(count(*)) over () from cases group by 1",
    "activity_kpis": """
        select
            activity, count(*), count(distinct case_key), count(distinct case_key)::float8 / (select count(*) from
            cases),
            (select count(*) from cases where first_activity = e.activity),
            (select count(*) from cases where last_activity = e.activity), min(occurred_at), max(occurred_at),
            (select avg(gap) from arcs where target = e.activity),
            (select percentile_cont(0.5) within group (order by gap) from arcs where target = e.activity),
            (select percentile_cont(0.9) within group (order by gap) from arcs where target = e.activity),
            count(started_at), avg(greatest(extract(epoch from occurred_at - started_at), 0)) filter (where
            started_at is not null),
            percentile_cont(0.5) within group (order by greatest(extract(epoch from occurred_at - started_at), 0))
                filter (where started_at is not null),
            case when count(distinct resource) >= 5 then count(distinct resource) end
        from e group by activity""",
    "case_kpis": """
        select case_id, case_key, started_at, ended_at, seconds, event_count, activity_count, event_count -
        activity_count,
               (select count(*) from arcs where arcs.case_key = cases.case_key and source = target),
               first_activity, last_activity, wait.gap, wait.source, wait.target, variant_id, is_open
        from cases left join lateral (
            select gap, source, target from arcs where arcs.case_key = cases.case_key order by gap desc, event_seq
            limit 1
        ) as wait on true""",
    "process_kpis": """
        select count(*), count(*) filter (where is_open), sum(event_count), (select count(distinct activity) from e),
               count(distinct variant_id), (select count(*) from dfg), min(started_at), max(ended_at), avg(seconds),
               percentile_cont(0.5) within group (order by seconds), percentile_cont(0.9) within group (order by
               seconds),
               min(seconds), max(seconds), avg(seconds) filter (where not is_open),
               percentile_cont(0.5) within group (order by seconds) filter (where not is_open), avg(event_count),
               count(*) filter (where event_count > activity_count),
               avg((event_count > activity_count)::int),
               (select case when count(distinct resource) >= 5 then count(distinct resource) end from e)
        from cases""",
    "throughput_by_week": """
        , weeks as (
            select date_trunc('week', started_at at time zone 'UTC')::date as week, 1 as started, 0 as ended,
            null::numeric as s
            from cases
            union all
            select date_trunc('week', ended_at at time zone 'UTC')::date, 0, 1, seconds from cases where not is_open)
        select week, sum(started), sum(ended), avg(s), percentile_cont(0.5) within group (order by s) from weeks
        group by week""",
    "rework": """
        , t as (select activity, case_key, count(*) as n from e group by 1, 2)
        select activity, count(*), count(*) filter (where n > 1), avg((n > 1)::int), sum(n - 1),
               (select count(*) from arcs where source = target and target = t.activity), max(n)
        from t group by activity""",
}
