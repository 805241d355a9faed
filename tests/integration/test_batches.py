"""Batches through a whole night: what was planted in the demo company is published first, of its size, and the waiting for it."""

import csv
from collections import defaultdict

import psycopg
import pytest

P2P, POSTING = "purchase_to_pay", "Post Vendor Bill"


@pytest.mark.slow
def test_planted_batches_are_published_first_and_of_their_size(settings, planted_company):
    _, state = planted_company(1500, 4, batched_posting=True)
    together = defaultdict(int)
    with open(state.truth / f"{P2P}.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["activity"] == POSTING:
                together[row["login"], row["timestamp_utc"]] += 1
    sizes = [size for size in together.values() if size > 1]
    with psycopg.connect(settings.warehouse_url) as db:
        (first, *others) = db.execute(
            """select activity, kind, batch_count, event_count, mean_size, event_share, total_batch_wait_seconds
               from bi.batches where process = %s order by total_batch_wait_seconds desc""",
            (P2P,),
        ).fetchall()
        assert first[:4] == (POSTING, "simultaneous", len(sizes), sum(sizes))
        assert first[4] == pytest.approx(sum(sizes) / len(sizes))
        assert first[5] == pytest.approx(sum(sizes) / sum(together.values()))
        assert all(share < 0.01 for *_, share, _ in others), others
        # the same through SQL, from the published log
        (waited,) = db.execute(
            """with steps as (
                   select case_key, activity, resource, occurred_at,
                          lag(occurred_at) over (partition by case_key order by event_seq) as ready_at
                   from event_log.events where process = %s)
               select sum(extract(epoch from last_at - ready_at))::float8 from (
                   select ready_at, max(ready_at) over w as last_at, count(*) over w as size
                   from steps where activity = %s window w as (partition by resource, occurred_at)) as s
               where size > 1""",
            (P2P, POSTING),
        ).fetchone()
        assert first[6] == pytest.approx(waited, rel=1e-9)
        causes = db.execute(
            "select activity, batching_seconds from bi.waiting_causes where process = %s order by 2 desc", (P2P,)
        ).fetchall()
        assert causes[0][0] == POSTING and causes[0][1] == pytest.approx(waited, rel=1e-9)
