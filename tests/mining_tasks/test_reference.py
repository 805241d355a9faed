"""Random logs: every figure equals the one that plain loops with exact fractions give."""

import narwhals as nw
import pytest
from hypothesis import given, settings

from mining_tasks.activity_kpis import measure_activities
from mining_tasks.case_kpis import measure_cases
from mining_tasks.dfg import discover_dfg
from mining_tasks.ends import discover_ends
from mining_tasks.process_kpis import measure_process
from mining_tasks.rework import measure_rework
from mining_tasks.throughput import measure_throughput
from mining_tasks.variants import discover_variants
from sluice.keys import case_key
from tests.mining_tasks import reference
from tests.mining_tasks.logs import frame_of, log_of, names_of, random_events

EXACT = {"rel": 1e-14, "abs": 1e-14}
many = settings(max_examples=30, deadline=None)


def by_name(frame, names, *columns):
    return {tuple(names[row[c]] for c in columns): row for row in frame.iter_rows(named=True)}


@many
@given(random_events())
def test_dfg(events):
    names, expected = names_of(events), reference.dfg(events)
    found = by_name(discover_dfg(frame_of(events)).edges, names, "source_activity_key", "target_activity_key")
    assert found.keys() == expected.keys()
    for arc, row in found.items():
        want = expected[arc]
        assert (row["edge_count"], row["case_count"], row["backward_count"]) == (
            want["edges"],
            want["cases"],
            want["backward"],
        )
        for figure in ("mean", "median", "p90", "min", "max", "total"):
            assert row[f"{figure}_seconds"] == pytest.approx(want[figure], **EXACT)


@many
@given(random_events())
def test_variants(events):
    names, expected = names_of(events), reference.variants(events)
    found = discover_variants(frame_of(events), names=names)
    steps: dict[str, tuple] = {}
    for variant, _, key in found.steps.iter_rows():
        steps[variant] = (*steps.get(variant, ()), names[key])
    spans = reference.durations(events)
    assert sorted(steps.values()) == sorted(expected)
    for row in found.variants.iter_rows(named=True):
        cases = expected[steps[row["variant_id"]]]
        want = reference.summary([spans[case] for case in cases])
        assert row["case_count"] == len(cases) and row["activity_count"] == len(steps[row["variant_id"]])
        assert row["case_share"] == len(cases) / len(spans)
        assert row["mean_seconds"] == pytest.approx(want["mean"], **EXACT)
        assert row["median_seconds"] == pytest.approx(want["median"], **EXACT)
    counts = found.variants["case_count"].to_list()
    assert counts == sorted(counts, reverse=True) and found.variants["rank"].to_list() == list(
        range(1, len(counts) + 1)
    )
    assert found.variants["cumulative_share"].to_list()[-1] == 1.0
    of_case = dict(found.cases.iter_rows())
    assert {case: steps[of_case[case_key("test", case)]] for case in spans} == {
        case: variant for variant, cases in expected.items() for case in cases
    }


@many
@given(random_events())
def test_cases_and_ends(events):
    names, spans = names_of(events), reference.durations(events)
    rows = {row["case_key"]: row for row in measure_cases(frame_of(events)).iter_rows(named=True)}
    assert len(rows) == len(spans)
    for case, own in reference.cases_of(events).items():
        row = rows[case_key("test", case)]
        assert row["duration_us"] == spans[case] == row["ended_us"] - row["started_us"]
        assert row["throughput_seconds"] == spans[case] / 1_000_000
        assert (row["event_count"], row["activity_count"]) == (len(own), len({event.activity for event in own}))
        assert row["rework_count"] == len(own) - len({event.activity for event in own})
        waits = [(max(gap, 0), source, target) for c, source, target, gap in reference.gaps(events) if c == case]
        assert row["self_loop_count"] == sum(source == target for _, source, target in waits)
        longest = max((wait for wait, *_ in waits), default=None)
        if longest is None:
            assert row["longest_wait_seconds"] is None and row["longest_wait_source_activity_key"] is None
        else:
            first = next(wait for wait in waits if wait[0] == longest)
            assert row["longest_wait_seconds"] == longest / 1_000_000
            assert (
                names[row["longest_wait_source_activity_key"]],
                names[row["longest_wait_target_activity_key"]],
            ) == first[1:]
        assert (names[row["start_activity_key"]], names[row["end_activity_key"]]) == (own[0].activity, own[-1].activity)
    ends = discover_ends(frame_of(events))
    for frame, index in ((ends.starts, 0), (ends.ends, -1)):
        want = [own[index].activity for own in reference.cases_of(events).values()]
        found = {names[key]: (count, share) for key, count, share in frame.iter_rows()}
        assert found == {name: (want.count(name), want.count(name) / len(spans)) for name in set(want)}


@many
@given(random_events())
def test_activities_and_rework(events):
    names, frame = names_of(events), frame_of(events)
    rework = by_name(measure_rework(frame), names, "activity_key")
    for activity, want in reference.rework(events).items():
        row = rework[activity,]
        assert [
            row[c] for c in ("case_count", "repeat_case_count", "repeat_count", "self_loop_count", "max_per_case")
        ] == list(want.values())
        assert row["repeat_case_share"] == want["repeat_cases"] / want["cases"]
    kpis = by_name(measure_activities(frame), names, "activity_key")
    assert kpis.keys() == rework.keys()
    for (activity,), row in kpis.items():
        own = [event for event in events if event.activity == activity]
        assert (row["event_count"], row["case_count"]) == (len(own), len({event.case for event in own}))
        assert (row["first_us"], row["last_us"]) == (min(e.at for e in own), max(e.at for e in own))
        assert row["resource_count"] == len({e.person for e in own if e.person})
        waits = [max(gap, 0) for _, _, target, gap in reference.gaps(events) if target == activity]
        services = [max(e.at - e.started, 0) for e in own if e.started is not None]
        assert row["service_count"] == len(services)
        for values, kind in ((waits, "wait"), (services, "service")):
            for figure in ("mean", "median"):
                want = reference.summary(values)[figure] if values else None
                assert row[f"{figure}_{kind}_seconds"] == (want if want is None else pytest.approx(want, **EXACT))


@many
@given(random_events())
def test_process_and_weeks(events):
    is_open = {f"case {number}" for number in (0, 2)}
    log, spans = log_of(events, open_cases=is_open), reference.durations(events)
    cases = measure_cases(log.events).join(nw.from_native(log.cases), on="case_key")
    totals, want = measure_process(log.events, cases), reference.summary(list(spans.values()))
    assert (totals.case_count, totals.event_count) == (len(spans), len(events))
    assert totals.open_case_count == len(spans.keys() & is_open)
    assert totals.resource_count == len({event.person for event in events if event.person})
    for figure in ("mean", "median", "p90", "min", "max"):
        assert getattr(totals, f"{figure}_seconds") == pytest.approx(want[figure], **EXACT)
    closed = [span for case, span in spans.items() if case not in is_open]
    want = reference.summary(closed)["median"] if closed else None
    assert totals.closed_median_seconds == (want if want is None else pytest.approx(want, **EXACT))

    started, ended = {}, {}
    for case, own in reference.cases_of(events).items():
        times = [e.at for e in own] + [e.started for e in own if e.started is not None]
        started.setdefault(reference.monday(min(times)), []).append(case)
        if case not in is_open:
            ended.setdefault(reference.monday(max(times)), []).append(case)
    rows = measure_throughput(cases).iter_rows(named=True)
    found = {row["week_start_day"]: (row["started_count"], row["ended_count"], row["median_seconds"]) for row in rows}
    epoch = reference.monday(0).replace(month=1, day=1, year=1970)
    for week in started.keys() | ended.keys():
        ends = [spans[case] for case in ended.get(week, [])]
        median = pytest.approx(reference.summary(ends)["median"], **EXACT) if ends else None
        assert found.pop((week - epoch).days) == (len(started.get(week, [])), len(ends), median)
    assert not found
