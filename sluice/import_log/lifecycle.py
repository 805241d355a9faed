"""Lifecycle transitions: every one an event (`all`), the completions alone (`complete`), or intervals (`pair`).

`pair` joins the start and the completion of one activity in one case (and instance, where the log names it), first in,
first out. A completion without a start has no started_at; a start that is never completed stays as an event of its own,
with the lifecycle 'start'. Other transitions (schedule, suspend, …) are left out and counted.
"""

import psycopg


def apply_lifecycle(db: psycopg.Connection, mode: str, *, order: str) -> dict[str, int]:
    """Reduce `pg_temp.import_events` to the events of the log; returns what was done, as counts.

    order: the SQL order of the events of a case. Adds the column `start_row`, the row of the start of a paired event.
    """
    db.execute("alter table pg_temp.import_events add column start_row bigint")
    if mode == "all":
        return {}
    if mode == "complete":
        gone = db.execute(
            "delete from pg_temp.import_events where lower(coalesce(lifecycle, 'complete')) <> 'complete'"
        ).rowcount
        return {"events of other lifecycle transitions left out": gone}
    gone = db.execute(
        "delete from pg_temp.import_events where lower(coalesce(lifecycle, 'complete')) not in ('start', 'complete')"
    ).rowcount
    # A queue of open starts: `balance` is starts minus completions so far; a completion that takes it to a new low
    # below zero found the queue empty. The others take the starts in turn.
    paired = db.execute(
        f"""
        with transitions as (
            select row, case_id, activity, instance, occurred_at,
                lower(coalesce(lifecycle, 'complete')) = 'start' as is_start
            from pg_temp.import_events
        ),
        balanced as (
            select *, sum(case when is_start then 1 else -1 end) over so_far as balance
            from transitions
            window so_far as (partition by case_id, activity, instance order by {order} rows unbounded preceding)
        ),
        lows as (
            select *, coalesce(min(balance) over (
                partition by case_id, activity, instance order by {order}
                rows between unbounded preceding and 1 preceding), 0) as low
            from balanced
        ),
        used as (
            select * from lows where is_start or balance >= least(low, 0)
        ),
        numbered as (
            select *, row_number() over (partition by case_id, activity, instance, is_start order by {order}) as number
            from used
        ),
        pairs as (
            select completed.row, begun.row as start_row, begun.occurred_at as started_at
            from numbered as completed
            join numbered as begun
                on begun.case_id = completed.case_id and begun.activity = completed.activity
                and begun.instance is not distinct from completed.instance and begun.number = completed.number
            where begun.is_start and not completed.is_start
        )
        update pg_temp.import_events as events
        set started_at = pairs.started_at, start_row = pairs.start_row
        from pairs
        where events.row = pairs.row
        """
    ).rowcount
    db.execute(
        """delete from pg_temp.import_events
           where row in (select start_row from pg_temp.import_events where start_row is not null)"""
    )
    starts, ends = db.execute(
        """select count(*) filter (where lower(lifecycle) = 'start'),
               count(*) filter (where lower(coalesce(lifecycle, 'complete')) = 'complete' and start_row is null)
           from pg_temp.import_events"""
    ).fetchone()
    return {
        "intervals paired": paired,
        "starts without a completion kept as events": starts,
        "completions without a start": ends,
        "events of other lifecycle transitions left out": gone,
    }
