"""Drift through a whole night: what was planted in the demo company is published, and is what SQL finds in the published log."""

from datetime import timedelta
from itertools import pairwise

import psycopg
import pytest

from sluice.demo.plants import DRIFT_DAY

STEPS = """(select e.case_key, e.activity, e.occurred_at,
                   lead(e.activity) over w as next_activity, lead(e.occurred_at) over w as next_at
            from event_log.events as e where e.process = 'purchase_to_pay'
            window w as (partition by e.case_key order by e.event_seq)) as s"""
WEEK = "date_trunc('week', {0} at time zone 'UTC')::date"
WITHIN = f"{WEEK} >= %(begin)s and {WEEK} < %(end)s"
OF_ARC = "activity = %(activity)s and next_activity = %(next_activity)s"
LEVELS = {
    "share_of_next": f"""select count(*) filter (where {OF_ARC})::float8 / count(*) from {STEPS}
        where next_activity is not null and activity = %(activity)s and {WITHIN.format("next_at")}""",
    "step_seconds": f"""select percentile_cont(0.5) within group (order by m) from (
        select percentile_cont(0.5) within group (order by extract(epoch from next_at - occurred_at)) as m
        from {STEPS} where {OF_ARC} and {WITHIN.format("next_at")} group by {WEEK.format("next_at")}) as w""",
    "throughput_seconds": f"""select percentile_cont(0.5) within group (order by m) from (
        select percentile_cont(0.5) within group (order by case when is_open then 'infinity'::float8
                   else extract(epoch from ended_at - started_at) end) as m
        from bi.cases where process = 'purchase_to_pay' and {WITHIN.format("started_at")}
        group by {WEEK.format("started_at")}) as w""",
}


@pytest.mark.slow
def test_the_planted_drift_is_published_with_levels_that_sql_finds_again(settings, planted_company):
    planted_company(1500, 4, drift=True)
    with psycopg.connect(settings.warehouse_url) as db:
        arcs = db.execute("select figure, rank, activity, next_activity from bi.drifts where rank <= 2").fetchall()
        ranked = {(figure, rank): (activity, following) for figure, rank, activity, following in arcs}
        # what fewer orders take, the others take the more of: one change, two arcs
        assert {ranked["share_of_next", rank] for rank in (1, 2)} == {
            ("Create RFQ", "Send RFQ"),
            ("Create RFQ", "Request Approval"),
        }
        assert ranked["step_seconds", 1] == ("Post Vendor Bill", "Register Payment")
        assert ("throughput_seconds", 1) in ranked
        (monday,) = db.execute(
            "select week_start from bi.drifts where figure = 'share_of_next' and rank = 1"
        ).fetchone()
        assert abs((monday - DRIFT_DAY).days) <= 7
        rows = db.execute(
            """select figure, activity, next_activity, week_start, weeks_before, weeks_after, level_before, level_after
               from bi.drifts where rank = 1 and figure = any (%s)""",
            (list(LEVELS),),
        ).fetchall()
        assert len(rows) == 3
        for figure, activity, following, week, before, after, *levels in rows:
            edges = [week - timedelta(weeks=before), week, week + timedelta(weeks=after)]
            for (begin, end), level in zip(pairwise(edges), levels, strict=True):
                given = {"activity": activity, "next_activity": following, "begin": begin, "end": end}
                assert db.execute(LEVELS[figure], given).fetchone()[0] == pytest.approx(level, rel=1e-9), (
                    figure,
                    begin,
                )
        assert (
            db.execute(
                """select figure, drift_count from bi.drift_kpis where process = 'purchase_to_pay' order by 1"""
            ).fetchall()
            == db.execute(
                """select figure, (select count(*) from bi.drifts as d where d.figure = k.figure)
               from bi.drift_kpis as k where process = 'purchase_to_pay' order by 1"""
            ).fetchall()
        )
