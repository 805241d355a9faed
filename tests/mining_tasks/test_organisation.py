"""The organisation: networks as pm4py has them on the public logs, tables as plain loops have them, and nobody to be found."""

import warnings
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, pairwise
from statistics import median

import narwhals as nw
import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings

from mining_tasks.case_kpis import measure_cases
from mining_tasks.handover import count_subcontracts, discover_handovers, measure_handovers, person_pairs
from mining_tasks.k_anonymity import publishable
from mining_tasks.organisation import measure_organisation, shown_roles
from mining_tasks.roles import discover_roles
from mining_tasks.working_together import discover_working_together, measure_working_together, persons_of_cases
from mining_tasks.workload import count_work, measure_workload
from sluice.keys import activity_key, case_key
from tests.mining_tasks import public_logs
from tests.mining_tasks.logs import (
    ENGINES,
    SCHEMA,
    Event,
    frame_of,
    hand_countable,
    names_of,
    on_engine,
    person_key,
    plain,
    random_events,
)
from tests.mining_tasks.public_logs import ACTIVITY, CASE, PERSON, TIME
from tests.mining_tasks.test_runner import night, some_cases

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pm4py.algo.organizational_mining.roles.variants import pandas as their_roles
    from pm4py.algo.organizational_mining.sna.variants.pandas import handover as their_handover
    from pm4py.algo.organizational_mining.sna.variants.pandas import working_together as their_working_together

NOBODY = ("sepsis", "verenich", "bpic2019")  # logs that name no person
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module", params=public_logs.every(but=NOBODY))
def log(request, real_data):
    """(pm4py's frame, the events whose person is known alone; ours; activity names by key)."""
    theirs = public_logs.read(request.param, real_data)
    theirs = theirs[theirs[PERSON].notna()][[CASE, ACTIVITY, TIME, PERSON]].reset_index(drop=True)
    theirs[PERSON] = theirs[PERSON].astype(str).str.replace(",", "_")  # pm4py joins by commas
    keys = {case: case_key("test", case) for case in theirs[CASE].unique()}
    codes = {name: activity_key(name) for name in theirs[ACTIVITY].unique()}
    people = {name: person_key(name) for name in theirs[PERSON].unique()}
    ours = pl.DataFrame(
        {
            "case_key": theirs[CASE].map(keys).to_numpy(),
            "event_seq": (theirs.groupby(CASE).cumcount() + 1).to_numpy(),
            "activity_key": theirs[ACTIVITY].map(codes).to_numpy(),
            "occurred_us": theirs[TIME].astype("datetime64[us, UTC]").astype("int64").to_numpy(),
            "resource_key": theirs[PERSON].map(people).to_numpy(),
        }
    ).with_columns(pl.lit(None, dtype=pl.Int64).alias("started_us"))
    ours = ours.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()).sort("case_key", "event_seq")
    return theirs, ours, {key: name for name, key in codes.items()}, people


def test_handovers_are_those_of_pm4py(log):
    theirs, ours, _, people = log
    found = discover_handovers(ours)
    total = found["edge_count"].sum()
    expected = {
        (people[a], people[b]): part for (a, b), part in their_handover.apply(theirs).connections.items() if part
    }
    assert {(a, b): count / total for a, b, count in found.iter_rows()} == pytest.approx(expected)


def test_working_together_is_that_of_pm4py(log):
    """pm4py divides by the number of events, and has each pair both ways."""
    theirs, ours, _, people = log
    expected = {
        (people[a], people[b]): part * len(theirs)
        for (a, b), part in their_working_together.apply(theirs).connections.items()
        if people[a] < people[b]
    }
    assert {
        (a, b): count for a, b, count in discover_working_together(persons_of_cases(ours)).iter_rows()
    } == pytest.approx(expected)


def test_roles_are_those_of_pm4py(log):
    theirs, ours, names, people = log
    expected = {tuple(sorted(role.activities)): role.originator_importance for role in their_roles.apply(theirs)}
    found = discover_roles(ours, names=names)
    assert {role.activities for role in found} == set(expected)
    for role in found:
        assert role.work == {people[name]: count for name, count in expected[role.activities].items()}


def seconds_between(before: Event, after: Event) -> float:
    return max((after.at if after.started is None else after.started) - before.at, 0) / 1_000_000


def traces_of(events: list[Event]) -> dict[str, list[Event]]:
    traces: dict[str, list[Event]] = {}
    for event in events:
        traces.setdefault(event.case, []).append(event)
    return traces


@few
@given(events=random_events())
def test_handovers_are_what_loops_count(events):
    found: dict[tuple, list] = {}
    for trace in traces_of(events).values():
        for before, after in pairwise(trace):
            if before.person and after.person:
                kind = (before.activity, after.activity, before.person != after.person)
                found.setdefault(kind, []).append((before, after))
    expected = [
        (
            activity_key(source),
            activity_key(target),
            changes,
            len(pairs),
            len({before.case for before, _ in pairs}),
            len({event.person for pair in pairs for event in pair}),
            pytest.approx(sum(seconds_between(*pair) for pair in pairs) / len(pairs)),
            pytest.approx(median(seconds_between(*pair) for pair in pairs)),
            pytest.approx(sum(seconds_between(*pair) for pair in pairs)),
        )
        for (source, target, changes), pairs in found.items()
    ]
    rows = measure_handovers(person_pairs(frame_of(events)), k=1).rows
    assert rows.rows() == sorted(expected, key=lambda row: row[:3])


@few
@given(events=random_events())
def test_persons_of_cases_are_what_loops_count(events):
    frame, traces = frame_of(events), traces_of(events)
    people = {case: {event.person for event in trace if event.person} for case, trace in traces.items()}
    spans = {}
    for case, trace in traces.items():
        moments = [at for event in trace for at in (event.at, event.started) if at is not None]
        spans[case] = (max(moments) - min(moments)) / 1_000_000
    expected = []
    for number in sorted({len(some) for some in people.values()}):
        cases = [case for case, some in people.items() if len(some) == number]
        behind = len(set().union(*(people[case] for case in cases)))
        times = [spans[case] for case in cases]
        share, mean = len(cases) / len(traces), sum(times) / len(times)
        expected.append((number, len(cases), share, behind, pytest.approx(mean), pytest.approx(median(times))))
    together = measure_working_together(persons_of_cases(frame), measure_cases(frame), k=1)
    assert together.rows.rows() == expected
    assert together.mean_persons_per_case == pytest.approx(sum(map(len, people.values())) / len(people))
    pairs = Counter(tuple(sorted(map(person_key, pair))) for some in people.values() for pair in combinations(some, 2))
    assert {(a, b): count for a, b, count in discover_working_together(persons_of_cases(frame)).iter_rows()} == pairs


@few
@given(events=random_events())
def test_workload_is_what_loops_count(events):
    day = 86_400_000_000
    expected = []
    for number in sorted({event.at // day for event in events}):
        some = [event for event in events if event.at // day == number]
        known = [event.person for event in some if event.person]
        people = len(set(known)) or None
        mean = pytest.approx(len(known) / people) if people else None
        expected.append((number, len(some), len({event.case for event in some}), people, len(known) or None, mean))
    assert measure_workload(frame_of(events), k=1).rows() == expected


@few
@given(events=random_events())
def test_roles_are_apart_and_whole(events):
    frame, names = frame_of(events), names_of(events)
    done = Counter(event.activity for event in events if event.person)
    roles = discover_roles(frame, names=names)
    assert Counter(activity for role in roles for activity in role.activities) == dict.fromkeys(done, 1)
    assert sum(role.event_count for role in roles) == sum(done.values())
    together = discover_roles(frame, names=names, threshold=Fraction(-1))
    assert len(together) == min(len(done), 1)
    assert all(len(role.activities) == 1 for role in discover_roles(frame, names=names, threshold=Fraction(1)))


@pytest.mark.parametrize("k", [2, 3])
@few
@given(events=random_events())
def test_figures_rest_on_k_persons_and_so_does_what_is_left_out(k, events):
    frame = frame_of(events)
    everything, shown = (measure_handovers(person_pairs(frame), k=number) for number in (1, k))
    arc = ["source_activity_key", "target_activity_key", "is_handover"]
    people: dict[tuple, set] = {}
    for trace in traces_of(events).values():
        for before, after in pairwise(trace):
            if before.person and after.person:
                key = (activity_key(before.activity), activity_key(after.activity), before.person != after.person)
                people.setdefault(key, set()).update((before.person, after.person))
    kept = set(shown.rows.select(*arc).rows())
    assert all(len(people[key]) >= k for key in kept)
    for margin in (lambda key: (), lambda key: key[:2], lambda key: key[2]):
        for total in {margin(key) for key in kept}:
            hidden = [some for key, some in people.items() if key not in kept and margin(key) == total]
            assert not hidden or len(set().union(*hidden)) >= k
    assert shown.hidden_count == len(everything.rows) - len(shown.rows)
    work = count_work(frame)
    days = set(publishable(work, by=["work_day"], k=k)["work_day"].to_list())
    workload = measure_workload(frame, k=k)
    assert set(workload.filter(~nw.col("person_count").is_null())["work_day"].to_list()) == days


def organisation_of(events: nw.DataFrame, k: int) -> dict:
    return measure_organisation(events, persons_of_cases(events), measure_handovers(person_pairs(events), k=k), k=k)


def test_a_small_organisation_is_not_described():
    events = nw.from_native(frame_of(hand_countable()))
    people = events["resource_key"].n_unique()
    assert organisation_of(events, 2)["person_count"] == people
    assert set(organisation_of(events, people + 1).values()) == {None}


def test_figures_of_a_hand_countable_organisation():
    """Two cases: p q p, then q r; and one event of nobody."""
    trail = [("1", "p"), ("1", "q"), ("1", "p"), ("2", "q"), ("2", "r"), ("3", None)]
    events = [Event(case, "a", 1_000_000 * number, None, who) for number, (case, who) in enumerate(trail)]
    frame = nw.from_native(frame_of(events))
    assert organisation_of(frame, 1) == {
        "person_count": 3,
        "person_event_count": 5,
        "person_event_share": 5 / 6,
        "known_edge_count": 3,
        "handover_count": 3,
        "handover_share": 1.0,
        "subcontract_count": 1,
        "pair_count": 2,
        "pair_share": 2 / 3,
        "mean_partner_count": 4 / 3,
        "mean_persons_per_case": None,  # known with the cases
    }
    assert count_subcontracts(frame) == (1, 2)
    assert organisation_of(frame, 3)["subcontract_count"] is None


def test_roles_of_fewer_than_k_are_left_out_with_what_would_give_them_away():
    events = [Event(str(n), "many", n, None, f"p{n}") for n in range(9)]
    events += [Event(str(n), "some", n, None, f"s{n}") for n in range(6)]
    lonely = [*events, Event("x", "one", 0, None, "q")]
    for log, shown in ((events, ["many", "some"]), (lonely, ["many"])):
        roles = discover_roles(frame_of(log), names=names_of(log))
        rows, members = shown_roles(roles, k=5, backend=nw.Implementation.POLARS)
        assert [members[key] for key in rows["role_id"].to_list()] == [(name,) for name in shown]
        assert rows["rank"].to_list() == list(range(1, len(shown) + 1))


@pytest.mark.parametrize("engine", ENGINES)
def test_engine_and_order_of_rows_change_nothing(engine):
    events = hand_countable()
    frame = frame_of(events)

    def everything(log) -> list:
        return [
            plain(discover_handovers(log)),
            plain(measure_handovers(person_pairs(log), k=2).rows),
            count_subcontracts(log),
            plain(discover_working_together(persons_of_cases(log))),
            plain(measure_workload(log, k=2)),
            discover_roles(log, names=names_of(events)),
            plain(measure_working_together(persons_of_cases(log), measure_cases(log), k=2).rows),
        ]

    assert everything(on_engine(frame.sample(fraction=1, shuffle=True, seed=3), engine)) == everything(frame)


SECOND_ROUTE = {
    "handovers": """
        with steps as (
            select case_key, activity as target, resource as second, lag(activity) over w as source,
                lag(resource) over w as first,
                greatest(extract(epoch from coalesce(started_at, occurred_at) - lag(occurred_at) over w), 0) as gap
            from event_log.events where process = 'demo' window w as (partition by case_key order by event_seq)
        )
        select source, target, first <> second, count(*), count(distinct case_key),
            (select count(distinct p) from unnest(array_agg(first) || array_agg(second)) as p), avg(gap),
            percentile_cont(0.5) within group (order by gap), sum(gap)
        from steps where first is not null and second is not null group by 1, 2, 3""",
    "working_together": """
        with cases as (
            select case_key, count(distinct resource) as persons, array_agg(resource) as people,
                extract(epoch from max(greatest(occurred_at, started_at)) - min(least(occurred_at, started_at))) as seconds
            from event_log.events where process = 'demo' group by case_key
        )
        select persons, count(*), count(*)::float8 / sum(count(*)) over (),
            (select count(distinct e.resource) from event_log.events as e
             inner join cases as c on c.case_key = e.case_key where c.persons = cases.persons), avg(seconds),
            percentile_cont(0.5) within group (order by seconds)
        from cases group by persons""",
    "workload_by_day": """
        select (occurred_at at time zone 'UTC')::date, count(*), count(distinct case_key),
            count(distinct resource), count(resource), count(resource)::float8 / nullif(count(distinct resource), 0)
        from event_log.events where process = 'demo' group by 1""",
}
KEYS = {
    "handovers": "source_activity, target_activity, is_handover, edge_count, case_count, person_count, mean_seconds, "
    "median_seconds, total_seconds",
    "working_together": "persons_per_case, case_count, case_share, person_count, mean_seconds, median_seconds",
    "workload_by_day": "day, event_count, case_count, person_count, person_event_count, mean_events_per_person",
}


def test_published_tables_say_what_sql_says(settings, warehouse_url):
    """Of what rests on at least five persons."""
    counts = night(settings, 1, some_cases(4, count=60), persons=12)
    assert counts["handovers"] > 3 and counts["workload_by_day"] > 20
    with psycopg.connect(warehouse_url, options="-c timezone=UTC") as db:
        for table, query in SECOND_ROUTE.items():
            width = 3 if table == "handovers" else 1
            expected = {row[:width]: row for row in db.execute(query).fetchall()}
            found = db.execute(f"select {KEYS[table]} from mining.{table} where process = 'demo'").fetchall()
            for row in found:
                other = expected[row[:width]]
                if table == "workload_by_day" and row[3] is None:
                    assert row[:3] == other[:3] and row[3:] == (None,) * 3
                    continue
                assert row == pytest.approx(tuple(float(v) if isinstance(v, Decimal) else v for v in other)), table
                assert row[{"handovers": 5, "working_together": 3, "workload_by_day": 3}[table]] >= 5
            hidden = db.execute(
                "select published_count, suppressed_count from mining.suppressions where table_name = %s", (table,)
            ).fetchone()
            assert hidden == ((len(found), len(expected) - len(found)) if table != "workload_by_day" else None)
        kpis = db.execute(
            """select person_count, known_edge_count, pair_count, mean_persons_per_case from mining.organisation_kpis
               where process = 'demo'"""
        ).fetchone()
        assert kpis == pytest.approx(
            db.execute(
                """with e as (select *, lag(resource) over (partition by case_key order by event_seq) as before
                              from event_log.events where process = 'demo')
                   select count(distinct resource), count(before),
                       (select count(distinct (a.resource, b.resource)) from e as a
                        inner join e as b on a.case_key = b.case_key and a.resource < b.resource),
                       count(distinct (case_key, resource))::float8 / count(distinct case_key) from e"""
            ).fetchone()
        )
        roles = db.execute(
            "select activities, event_count, person_count from mining.roles where process = 'demo'"
        ).fetchall()
        assert roles and all(
            (events, persons)
            == db.execute(
                """select count(*), count(distinct resource) from event_log.events
                   where process = 'demo' and activity = any(%s)""",
                (activities,),
            ).fetchone()
            for activities, events, persons in roles
        )
