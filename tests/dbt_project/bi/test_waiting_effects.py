"""What each cause of waiting costs in efficiency: from the published events, moment by moment, and from the causes by hand."""

from collections import defaultdict

import psycopg
import pytest

from sluice.transform import build_bi
from tests.mining_tasks.test_runner import night, some_cases

CAUSES = ("batching", "unavailability", "contention", "prioritisation", "extraneous")


def processing_and_throughput(url: str) -> tuple[float, float]:
    """Of all cases together, in seconds: how long at least one step ran, and from first begin to last end."""
    spans = defaultdict(list)
    with psycopg.connect(url) as db:
        for case, begin, end in db.execute(
            "select case_key, coalesce(started_at, occurred_at), occurred_at from event_log.events where process = 'demo'"
        ):
            spans[case].append((begin, end))
    processing = throughput = 0.0
    for row in spans.values():
        until = min(begin for begin, _ in row)
        throughput += (max(end for _, end in row) - until).total_seconds()
        for begin, end in sorted(row):
            processing += max((end - max(begin, until)).total_seconds(), 0)
            until = max(until, end)
    return processing, throughput


def test_each_effect_is_the_efficiency_without_its_waiting(settings):
    night(settings, 1, some_cases(8, 300))
    assert build_bi(settings)
    processing, throughput = processing_and_throughput(settings.warehouse_url)
    with psycopg.connect(settings.warehouse_url) as db:
        columns = ", ".join(f"{cause}_seconds" for cause in CAUSES)
        causes = db.execute(f"select activity, {columns} from bi.waiting_causes").fetchall()
        found = {
            (activity, cause): values
            for activity, cause, *values in db.execute(
                """select activity, cause, wait_seconds, cycle_time_efficiency_share, efficiency_share_without,
                          efficiency_share_gain from bi.waiting_effects where process = 'demo'"""
            )
        }
    waits = {(activity, cause): wait for activity, *row in causes for cause, wait in zip(CAUSES, row, strict=True)}
    waits |= {(None, cause): sum(wait for (_, one), wait in waits.items() if one == cause) for cause in CAUSES}
    assert set(found) == set(waits) and len(causes) == 4
    for key, wait in waits.items():
        without = processing / (throughput - wait)
        expected = (wait, processing / throughput, without, without - processing / throughput)
        assert found[key] == pytest.approx(expected, rel=1e-9, abs=1e-12), key
    gains = {cause: found[None, cause][3] for cause in CAUSES}
    assert max(gains, key=gains.get) == "extraneous" and gains["contention"] > 0
