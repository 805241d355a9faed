"""The quality model after publishing: findings that come and go, effects and counts that a second way agrees with."""

from datetime import timedelta

import pandas as pd
import psycopg
import pytest

from expectations.candidate import gate_candidate
from expectations.mining import gate_mining
from mining_tasks.runner import mine
from sluice import planning
from sluice.publish import publish
from tests.expectations.candidates import AS_OF, START, Candidate, process, run

CHECKS = {"start_activities": ["order"], "max_open_days": 400, "source_zone": "Europe/Berlin"}
DAY = timedelta(days=1)


def steps(*activities, day=0, hours=7):
    return [
        (activity, START + day * DAY + timedelta(hours=hours * n, seconds=n + 1))
        for n, activity in enumerate(activities)
    ]


FIRST = {f"C{n:02}": steps("order", "approve", "pay", day=n, hours=5 + n) for n in range(30)} | {
    "LATE1": steps("approve", "pay", day=3, hours=60),
    "LATE2": steps("approve", "approve", "pay", day=4),
    "FUTURE": [*steps("order", "pay", day=2), ("pay", AS_OF + 9 * DAY)],
}
SECOND = {
    "C03": steps("order", "pay", "pay", day=3),
    "LATE2": steps("order", "approve", "pay", day=4),
    "NEW": steps("pay", day=9),
    "FUTURE": FIRST["FUTURE"],
}
THIRD = {"FUTURE": steps("order", "pay", "order", day=2), "LATE2": steps("pay", day=5)}


def night(settings, number, cases, *, is_full=False, checks=CHECKS, gone=(), **changes):
    """One night of the process; a full one takes its cases for all there are."""
    ctx, declared = run(number), process(checks=checks, **changes)
    Candidate(cases, touched=set(gone), is_full_rebuild=is_full).write(settings.warehouse_url, ctx)
    outcomes = {one.check.name: one for one in gate_candidate(settings, declared, ctx)}
    mine(settings, "demo", ctx, order=declared.order)
    gate_mining(settings, declared, ctx)
    publish(settings, declared, ctx)
    return outcomes


def rows(settings, query):
    with psycopg.connect(settings.warehouse_url, options="-c timezone=UTC") as db:
        return db.execute(query).fetchall()


STATE = {
    "findings": "select check_name, finding_key, case_id, reason, severity, bad_row_count from quality.findings",
    "effects": "select check_name, kpi, case_count, with_value, without_value from quality.finding_effects",
    "counts": """select day, activity, event_count, midnight_count, whole_hour_count, whole_minute_count,
                        whole_second_count from quality.daily_counts""",
}


def state(settings):
    return {name: sorted(map(str, rows(settings, query))) for name, query in STATE.items()}


def found(settings, check):
    return [
        case
        for (case,) in rows(settings, f"select case_id from quality.findings where check_name = '{check}' order by 1")
    ]


@pytest.fixture
def nights(settings):
    night(settings, 1, FIRST, is_full=True)
    return settings


def test_findings_follow_their_cases_and_keep_when_they_were_first_seen(nights):
    settings = nights
    assert found(settings, "started_as_declared") == ["LATE1", "LATE2"]
    assert found(settings, "not_in_future") == ["FUTURE"]
    first_seen = dict(rows(settings, "select case_id, first_seen_at from quality.findings"))
    night(settings, 2, SECOND)
    assert found(settings, "started_as_declared") == ["LATE1", "NEW"], "LATE2 is repaired, LATE1 was not looked at"
    assert found(settings, "not_in_future") == ["FUTURE"]
    assert rows(settings, "select case_id from quality.quarantined_cases") == [("FUTURE",)]
    again = dict(rows(settings, "select case_id, first_seen_at from quality.findings"))
    assert again["LATE1"] == first_seen["LATE1"] and again["FUTURE"] == first_seen["FUTURE"]
    night(settings, 3, THIRD, gone=["LATE1"])
    assert found(settings, "started_as_declared") == ["LATE2", "NEW"], "LATE1 has vanished, LATE2 is bad again"
    assert found(settings, "not_in_future") == [] and rows(settings, "select * from quality.quarantined_cases") == []
    assert dict(rows(settings, "select case_id, first_seen_at from quality.findings"))["LATE2"] > first_seen["LATE2"]


def test_nights_lead_to_the_quality_model_of_a_full_rebuild(nights):
    settings = nights
    night(settings, 2, SECOND)
    night(settings, 3, THIRD, gone=["LATE1"])
    after_nights = state(settings)
    everything = {**FIRST, **SECOND, **THIRD}
    del everything["LATE1"]
    night(settings, 4, everything, is_full=True)
    assert state(settings) == after_nights
    publish(settings, process(checks=CHECKS), run(4))
    assert state(settings) == after_nights, "publishing again changes nothing"
    night(settings, 5, {})
    assert state(settings) == after_nights, "a night without news leaves all as it was"


@pytest.mark.parametrize("most", [planning.MOST, 0])
def test_counts_per_day_are_those_of_the_published_events(nights, monkeypatch, most):
    monkeypatch.setattr(planning, "MOST", most)  # a night's cases are few, or many
    settings = nights
    night(settings, 2, SECOND)
    counted = rows(
        settings,
        """select (occurred_at at time zone 'UTC')::date, activity, count(*) from event_log.events group by 1, 2
           order by 1, 2""",
    )
    assert rows(settings, "select day, activity, event_count from quality.daily_counts order by 1, 2") == counted
    assert ("FUTURE",) not in rows(settings, "select case_id from event_log.cases")


@pytest.mark.parametrize("most", [planning.MOST, 0])
def test_it_is_kept_which_rows_a_case_was_made_of(nights, monkeypatch, most):
    monkeypatch.setattr(planning, "MOST", most)  # a night's cases are few, or many
    settings = nights
    night(settings, 2, SECOND)
    kept = rows(settings, "select case_id, source_key from ops.case_rows")
    assert sorted(kept) == sorted(
        (case, f"{case}:{number}")
        for case, events in {**FIRST, **SECOND}.items()
        for number in range(1, len(events) + 1)
    )


def figures(events):
    """The figures of a log, from its events alone, by pandas."""
    cases = events.groupby("case_id")
    seconds = (cases["occurred_at"].max() - cases["occurred_at"].min()).dt.total_seconds()
    return {
        "case_count": cases.ngroups,
        "event_count": len(events),
        "variant_count": cases["activity"].agg("|".join).nunique(),
        "median_seconds": seconds.median(),
        "mean_seconds": seconds.mean(),
        "p90_seconds": seconds.quantile(0.9),
        "rework_case_share": (cases["activity"].size() > cases["activity"].nunique()).mean(),
    }


def test_effects_on_the_figures_equal_those_of_an_independent_computation(nights):
    settings = nights
    night(settings, 2, SECOND)
    everything = {**FIRST, **SECOND}
    log = pd.DataFrame(
        [(case, activity, at) for case, events in everything.items() for activity, at in events],
        columns=["case_id", "activity", "occurred_at"],
    )
    published = log[log["case_id"] != "FUTURE"]
    for check, cases in {"started_as_declared": ["LATE1", "NEW"], "not_in_future": ["FUTURE"]}.items():
        with_them = figures(log[log["case_id"].isin({*published["case_id"], *cases})])
        without = figures(published[~published["case_id"].isin(cases)])
        effects = rows(
            settings,
            f"""select kpi, case_count, with_value, without_value from quality.finding_effects
                where check_name = '{check}'""",
        )
        assert {kpi for kpi, *_ in effects} == set(with_them)
        for kpi, case_count, with_value, without_value in effects:
            assert case_count == len(cases)
            assert with_value == pytest.approx(with_them[kpi]) and without_value == pytest.approx(without[kpi]), kpi
    whole = dict(rows(settings, "select 1, median_seconds from mining.process_kpis"))[1]
    assert whole == pytest.approx(figures(published)["median_seconds"])


def test_of_cases_that_may_not_be_shown_only_the_number_is_told(settings):
    with psycopg.connect(settings.warehouse_url) as db:  # where mining learns it from
        db.execute("insert into event_log.processes values ('demo', 't', 'declared', 'o', false, 5, now(), 'r', now())")
    night(settings, 1, FIRST, is_full=True, case_level_public=False)
    assert {kpi for (kpi,) in rows(settings, "select kpi from quality.finding_effects")} == {"case_count"}


def test_cases_are_suspected_of_the_whole_log_not_of_a_nights_cases(settings):
    """Suggestions are published, too: of a night they are those of a full rebuild."""
    query = (
        "select label_a, score, evidence from quality.label_suggestions where pattern = 'elusive case' order by rank"
    )
    usual = {f"C{number:03}": steps("order", "pay", day=1) for number in range(400)}
    long = {"LONG": steps(*["pay"] * 30, day=2), "LONGER": steps(*["pay"] * 40, day=3)}
    night(settings, 1, usual | long, is_full=True)
    whole = rows(settings, query)
    assert [(case, told) for case, _, told in whole] == [
        ("LONGER", "40 events, where 99 % of the cases have at most 2"),
        ("LONG", "30 events, where 99 % of the cases have at most 2"),
    ]
    night(settings, 2, {"C001": steps("order", day=1), "NEW": steps("order", "pay", "pay", "pay", day=5)})
    assert rows(settings, query) == whole
    night(settings, 3, {"LONG": steps("order", "pay", day=2)})
    changed = {"C001": steps("order", day=1), "NEW": steps("order", "pay", "pay", "pay", day=5), "LONG": usual["C002"]}
    by_nights = rows(settings, query)
    assert [case for case, *_ in by_nights] == ["LONGER"]
    night(settings, 4, usual | long | changed, is_full=True)
    assert rows(settings, query) == by_nights
