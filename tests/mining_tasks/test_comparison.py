"""Two parts of a log side by side: as plain loops compare them, as pm4py counts each part, and by the command."""

import csv
import math
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from mining_tasks.comparison import compare_parts
from sluice.cli import main
from sluice.keys import activity_key
from sluice.warehouse import connect
from tests.mining_tasks import reference
from tests.mining_tasks.logs import ENGINES, frame_of, hand_countable, on_engine, random_events
from tests.sluice.export.conftest import make_views, write_published
from tests.sluice.export.test_export import SHIFT, START

MONTHS = timedelta(days=90)
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@few
@given(a=random_events(), b=random_events())
def test_arcs_are_what_loops_count(a, b):
    found = compare_parts(frame_of(a), frame_of(b))
    one, other = reference.dfg(a), reference.dfg(b)
    keys = {(activity_key(s), activity_key(t)): (s, t) for s, t in one.keys() | other.keys()}
    assert {(arc.source_activity_key, arc.target_activity_key) for arc in found.arcs} == set(keys)
    cases = [len({event.case for event in events}) for events in (a, b)]
    for arc in found.arcs:
        name = keys[arc.source_activity_key, arc.target_activity_key]
        before, after = one.get(name), other.get(name)
        assert arc.a_edge_count == (before["edges"] if before else 0)
        assert arc.b_edge_count == (after["edges"] if after else 0)
        shares = [part["cases"] / count if part else 0.0 for part, count in zip((before, after), cases, strict=True)]
        assert [arc.a_case_share, arc.b_case_share] == shares
        assert arc.effect_size == pytest.approx(2 * (math.asin(shares[1] ** 0.5) - math.asin(shares[0] ** 0.5)))
        assert arc.a_median_seconds == (pytest.approx(before["median"]) if before else None)
        assert arc.b_mean_seconds == (pytest.approx(after["mean"]) if after else None)
    effects = [abs(arc.effect_size) for arc in found.arcs]
    assert effects == sorted(effects, reverse=True)
    assert found.kpis["case_count"] == tuple(cases) and found.kpis["event_count"] == (len(a), len(b))


@few
@given(events=random_events())
def test_a_part_does_not_differ_from_itself(events):
    same = compare_parts(frame_of(events), frame_of(events))
    assert all(arc.effect_size == 0 and arc.median_seconds_difference == 0 for arc in same.arcs)
    assert all(before == after for before, after in same.kpis.values())


@few
@given(a=random_events(), b=random_events())
def test_the_other_way_round_every_sign_changes(a, b):
    there, back = compare_parts(frame_of(a), frame_of(b)), compare_parts(frame_of(b), frame_of(a))
    signs = {(arc.source_activity_key, arc.target_activity_key): arc.effect_size for arc in there.arcs}
    assert {(arc.source_activity_key, arc.target_activity_key): -arc.effect_size for arc in back.arcs} == signs


@pytest.mark.parametrize("engine", ENGINES)
def test_engine_changes_nothing(engine):
    frame = frame_of(hand_countable())
    cases = frame["case_key"].unique().sort()
    parts = [frame.filter(pl.col("case_key").is_in(some.implode())) for some in (cases[:1], cases[1:])]
    assert compare_parts(*(on_engine(part, engine) for part in parts)) == compare_parts(*parts)


def test_the_command_compares_periods_and_segments(warehouse_url, tmp_path, monkeypatch, capsys):
    later = {
        f"{case}'": [(step[0], step[1] + MONTHS, step[2] and step[2] + MONTHS) for step in steps]
        for case, steps in SHIFT.items()
    }
    with connect(warehouse_url) as db:
        make_views(db, "processes", "events", "cases", "activities")
        write_published(
            db, "shift", SHIFT | later | {"3'": [("A", START + timedelta(days=91)), ("C", START + timedelta(days=92))]}
        )
        db.execute(
            """create table event_log.shift_attributes as select case_id, case_key, case_id like '1%%' as is_first
               from event_log.cases where process = 'shift'"""
        )
    monkeypatch.setenv("SLUICE_WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    output = tmp_path / "arcs.csv"
    assert main(["compare", "shift", "--a", "..2025-01-31", "--b", "2025-02-01..", "--output", str(output)]) == 0
    out = capsys.readouterr().out
    assert "case_count                              2                3" in out and "A -> C" in out
    with output.open(newline="") as file:
        rows = {(row["source_activity"], row["target_activity"]): row for row in csv.DictReader(file)}
    assert rows["A", "C"]["b_edge_count"] == "1" and float(rows["A", "C"]["b_case_share"]) == pytest.approx(1 / 3)
    assert rows["A", "B"]["a_case_share"] == "0.5" and rows["A", "C"]["a_median_seconds"] == ""
    assert main(["compare", "shift", "--a", "is_first=true", "--a", "2025-02-01.."]) == 0
    assert "case_count                              1                4" in capsys.readouterr().out
    for options, said in (
        (["--a", "soon"], "expected a period such as"),
        (["--a", "2025-02-30.."], "expected days that exist"),
        (["--a", "colour=red"], "its cases have no such attribute"),
        (["--a", "1999-01-01..1999-12-31"], "--a: no case is in this part"),
    ):
        assert main(["compare", "shift", *options]) == 1
        err = capsys.readouterr().err
        assert said in err and err.count("\n") == 1
