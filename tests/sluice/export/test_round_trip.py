"""What is exported is what was published: by the importer again, by pm4py and by r4pm, whatever the names and times."""

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sluice.errors import BadInput
from sluice.export import add_arguments, run
from sluice.warehouse import connect
from tests.sluice.export.conftest import published, write_published

START = datetime(2025, 1, 1, 8, tzinfo=UTC)
ODD = {
    "order <1> & \"co\" 'x'": [
        ("Größe prüfen\n\tzweite Zeile", START - timedelta(days=30_000, microseconds=1)),
        ("naïve ☃ 𝒳 \u2028 \x85", START, None, "complete"),
        ("a,b;c\r\n", START, None, "schedule"),
        ("a,b;c\r\n", START, None, "schedule"),
        (" spaces ", START + timedelta(microseconds=999_999)),
    ],
    "007": [("NA", START), ("null", START + timedelta(hours=1))],
}


def export(settings, process: str, path: Path, *options: str) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert run(parser.parse_args([process, "--output", str(path), *options]), settings) == 0


@pytest.mark.parametrize("name", ["odd.xes", "odd.xes.gz", "odd.csv", "odd.csv.gz"])
def test_odd_names_and_times_come_back(exporting, publish, read_back, tmp_path, name):
    publish("odd", ODD)
    export(exporting, "odd", tmp_path / name)
    with connect(exporting.warehouse_url) as db:
        assert read_back(tmp_path / name) == published(db, "odd") != []


def read_by_pm4py(path: Path):
    """The traces as pm4py's own reader has them (its default one is r4pm's)."""
    from pm4py.objects.log.importer.xes import importer

    return importer.apply(str(path), variant=importer.Variants.ITERPARSE, parameters={"show_progress_bar": False})


def test_pm4py_and_r4pm_read_the_same_events(exporting, publish, tmp_path):
    import r4pm

    publish("odd", ODD)
    path = tmp_path / "odd.xes"
    export(exporting, "odd", path)
    expected = [(case, step[0], step[1]) for case, steps in sorted(ODD.items()) for step in steps]
    read = [
        (trace.attributes["concept:name"], event["concept:name"], event["time:timestamp"])
        for trace in read_by_pm4py(path)
        for event in trace
    ]
    assert sorted(read, key=lambda row: row[0]) == expected
    frame, _ = r4pm.df.import_xes(str(path))
    columns = ["case:concept:name", "concept:name", "time:timestamp"]
    read = [(case, activity, at.replace(tzinfo=UTC)) for case, activity, at in frame.select(columns).iter_rows()]
    assert sorted(read, key=lambda row: row[0]) == expected


texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12
) | st.sampled_from(["\x01", "]]>", "&amp;", "&#10;", "\ufffd", "␁", '"', "'", "\r", "\n", "\r\n", "\x7f", "\u202e"])
EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
moments = st.datetimes(EARLIEST.replace(tzinfo=None), datetime(9999, 12, 30), timezones=st.just(UTC))
lifecycles = st.none() | st.sampled_from(["complete", "start", "schedule", "COMPLETE"]) | texts


@st.composite
def steps(draw):
    activity, at, lifecycle = draw(texts), draw(moments), draw(lifecycles)
    gap = draw(st.none() | st.timedeltas(timedelta(0), timedelta(days=400)))
    started = None if gap is None or at - EARLIEST < gap else at - gap
    return activity, at, started, lifecycle


logs = st.dictionaries(
    texts.filter(lambda case: "@" not in case),
    st.lists(steps(), min_size=1, max_size=6).map(lambda rows: sorted(rows, key=lambda row: row[1])),
    min_size=1,
    max_size=4,
)
often = hypothesis_settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@often
@given(cases=logs)
def test_any_log_comes_back_through_csv(exporting, publish, read_back, tmp_path, cases):
    assume(all(step[0].strip("+ ") for rows in cases.values() for step in rows))  # to a CSV file these say nothing
    publish("any", cases)
    path = tmp_path / "any.csv"
    export(exporting, "any", path, "--overwrite")
    with connect(exporting.warehouse_url) as db:
        assert read_back(path, "--separator", "comma") == published(db, "any")


def pictured(text: str | None) -> str | None:
    """What becomes of a text in XML, said a second time."""
    if text is None:
        return None
    shown = "".join(chr(0x2400 + ord(c)) if ord(c) < 32 and c not in "\t\n\r" else c for c in text)
    return shown.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


@often
@given(cases=logs)
def test_any_log_comes_back_through_xes(exporting, publish, read_back, tmp_path, cases):
    publish("any", cases)
    path = tmp_path / "any.xes"
    names = {step[0] for rows in cases.values() for step in rows}
    try:
        export(exporting, "any", path, "--overwrite", "--intervals", "attribute")
    except BadInput as error:
        assert "XML cannot hold" in str(error) and "\n" not in str(error)
        assert any(len({pictured(one) for one in some}) < len(some) for some in (names, cases.keys()))
        return
    with connect(exporting.warehouse_url) as db:
        expected = [
            (pictured(row[0]), row[1], pictured(row[2]), *row[3:5], pictured(row[5])) for row in published(db, "any")
        ]
    assert sorted(read_back(path)) == sorted(expected)


@often
@given(cases=logs)
def test_any_intervals_come_back_in_pairs(exporting, publish, read_back, tmp_path, cases):
    cases = {
        f"case {number}": [
            (f"activity {ord(step[0][0]) % 3}", step[1], step[2], None if step[3] is None else "complete")
            for step in rows
        ]
        for number, rows in enumerate(cases.values())
    }
    publish("any", cases)
    path = tmp_path / "any.xes"
    export(exporting, "any", path, "--overwrite")
    with connect(exporting.warehouse_url) as db:
        assert read_back(path, "--lifecycle", "pair") == [
            (*row[:5], "complete" if row[4] else row[5]) for row in published(db, "any")
        ]


def test_starts_stand_where_their_time_is(exporting, publish, tmp_path):
    hours = [START + timedelta(hours=number) for number in range(10)]
    publish(
        "shift",
        {"1": [("A", hours[2], hours[0]), ("B", hours[3], hours[2]), ("C", hours[5], hours[1]), ("D", hours[6])]},
    )
    export(exporting, "shift", tmp_path / "shift.xes")
    (trace,) = read_by_pm4py(tmp_path / "shift.xes")
    assert [(e["concept:name"], e.get("lifecycle:transition"), e["time:timestamp"].hour - 8) for e in trace] == [
        ("A", "start", 0), ("C", "start", 1), ("A", "complete", 2), ("B", "start", 2), ("B", "complete", 3),
        ("C", "complete", 5), ("D", None, 6),
    ]  # fmt: skip


def test_a_log_in_file_order_comes_back_in_file_order(exporting, publish, read_back, tmp_path):
    backwards = {"1": [("late", START + timedelta(days=1)), ("early", START)]}
    publish("recorded", backwards, order="source_seq")
    for name in ("recorded.xes", "recorded.csv"):
        export(exporting, "recorded", tmp_path / name)
        assert [row[2] for row in read_back(tmp_path / name, "--order", "file")] == ["late", "early"]


def test_write_published_is_rolled_back(exporting):
    with connect(exporting.warehouse_url) as db:
        write_published(db, "gone", ODD)
        assert len(published(db, "gone")) == 7
        db.rollback()
        assert published(db, "gone") == []
