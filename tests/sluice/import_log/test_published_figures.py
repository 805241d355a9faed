"""Public event logs: what is published of them equals the figures of the literature and pm4py's graph, arc by arc.

Each is imported by the whole command; everything is read back from the published tables.
"""

import gzip
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from sluice.import_log import run
from sluice.settings import Settings
from sluice.warehouse import connect

from .conftest import arguments


@dataclass(frozen=True)
class Log:
    """A public log, how it is imported, and its figures: durations in days, arcs of the directly-follows graph."""

    file: str
    options: tuple[str, ...]
    cases: int
    events: int
    activities: int
    variants: int
    mean: float | None
    median: float | None
    commonest: int
    arcs: int


_SMALL = {
    "sepsis": Log("Sepsis.xes.gz", (), 1050, 15214, 16, 846, 28.469, 5.343, 35, 115),
    "helpdesk": Log("helpdesk.xes.gz", (), 4580, 21348, 14, 226, 40.858, 39.859, 2366, 55),
    "receipt": Log("08_receipt.xes.gz", (), 1434, 8577, 27, 116, 5.408, 0.033, 713, 99),
    "bpic13": Log("BPIC13_closed_problems.xes.gz", (), 1487, 6660, 7, 327, 178.885, 82.022, 485, 27),
    "running_example": Log("running-example.xes", (), 6, 42, 8, 6, 966_890 / 86400, None, 1, 16),
    "verenich": Log("verenich_helpdesk.csv.gz", ("--timezone", "UTC"), 3804, 13710, 9, 154, 8.798, 3.928, 2173, 33),
    "eventdatar_sepsis": Log(
        "eventdataR_sepsis.csv.gz", ("--timezone", "UTC"), 1050, 15214, 16, 846, 28.469, 5.343, 35, 115
    ),
}
_LARGE = {
    "bpic2020": Log("BPI_2020_DomesticDeclarations.xes.gz", (), 10500, 56437, 17, 99, 11.526, 7.330, 4618, 39),
    "bpic2012": Log("bpic2012.xes.gz", (), 13087, 262200, 24, 4366, 8.624, 0.809, 3429, 125),
    "bpic2019": Log("16_bpic2019_1t_per_variant.xes.gz", (), 11973, 338247, 42, 11973, 110.642, 84.946, 1, 498),
    "bpic2012_by_name_and_lifecycle": Log(
        "bpic2012.xes.gz",
        ("--activity", "concept:name+lifecycle:transition"),
        13087,
        262200,
        36,
        4366,
        8.624,
        0.809,
        3429,
        188,
    ),
    "bpic2012_by_classifier": Log(
        "bpic2012.xes.gz", ("--classifier", "Activity classifier"), 13087, 262200, 36, 4366, 8.624, 0.809, 3429, 188
    ),
    "bpic2012_completions": Log(
        "bpic2012.xes.gz", ("--lifecycle", "complete"), 13087, 164506, 23, 4336, None, None, 3429, 138
    ),
}
LOGS = _SMALL | _LARGE
_BY_FILE_ALONE = ("sepsis", "running_example", "verenich")  # of the small ones; the others by file order are slow tests


@pytest.fixture(scope="module")
def imported(module_settings: Settings, real_data: Callable[[str], Path]) -> Callable[[str, str], psycopg.Connection]:
    """Import a log once per order, by the whole command; returns the process's name."""
    done: set[str] = set()

    def import_(name: str, order: str) -> str:
        process = f"{name}_{order}"
        if process not in done:
            path = real_data(f"logs/{LOGS[name].file}")
            assert run(arguments(process, path, *LOGS[name].options, "--order", order), module_settings) == 0
            done.add(process)
        return process

    return import_


@pytest.fixture
def db(module_settings: Settings):
    with connect(module_settings.warehouse_url) as connection:
        yield connection


@pytest.mark.parametrize(
    "name, order",
    [
        *((name, "time") for name in _SMALL),
        *((name, "file") for name in _BY_FILE_ALONE),
        *(pytest.param(name, "file", marks=pytest.mark.slow) for name in _SMALL if name not in _BY_FILE_ALONE),
        *(pytest.param(name, "time", marks=pytest.mark.slow) for name in _LARGE),
        *(pytest.param(name, "file", marks=pytest.mark.slow) for name in ("bpic2020", "bpic2012", "bpic2019")),
    ],
)
def test_published_tables_have_the_known_figures(imported, db, name, order):
    log, process = LOGS[name], imported(name, order)
    counted = db.execute(
        """select count(*), sum(event_count), count(distinct variant_id),
               avg(extract(epoch from ended_at - started_at)) / 86400,
               percentile_cont(0.5) within group (order by extract(epoch from ended_at - started_at)) / 86400
           from event_log.cases where process = %s""",
        (process,),
    ).fetchone()
    assert counted[:3] == (log.cases, log.events, log.variants)
    if log.mean is not None:
        assert float(counted[3]) == pytest.approx(log.mean, abs=6e-4)
    if log.median is not None:
        assert counted[4] == pytest.approx(log.median, abs=6e-4)
    assert db.execute(
        "select count(*), count(distinct activity) from event_log.events where process = %s", (process,)
    ).fetchone() == (log.events, log.activities)
    mined = db.execute(
        """select case_count, event_count, activity_count, variant_count, edge_count, mean_seconds / 86400,
               median_seconds / 86400
           from mining.process_kpis where process = %s""",
        (process,),
    ).fetchone()
    assert mined[:5] == (log.cases, log.events, log.activities, log.variants, log.arcs)
    if log.mean is not None:
        assert mined[5] == pytest.approx(log.mean, abs=6e-4)
    if log.median is not None:
        assert mined[6] == pytest.approx(log.median, abs=6e-4)
    assert db.execute("select max(case_count) from mining.variants where process = %s", (process,)).fetchone() == (
        log.commonest,
    )
    assert db.execute("select count(*) from mining.dfg where process = %s", (process,)).fetchone() == (log.arcs,)


def _read_by_pm4py(path: Path, name: str, folder: Path):
    """The log as pm4py's classic reader has it: lists of events, in the file's order."""
    import pandas
    import pm4py

    if ".csv" in path.name:
        names = {
            "verenich": (",", "CaseID", "ActivityID", "CompleteTimestamp"),
            "eventdatar_sepsis": (";", "Case ID", "Activity", "Complete Timestamp"),
        }
        separator, case, activity, time = names[name]
        frame = pandas.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
        frame["time:timestamp"] = pandas.to_datetime(frame[time], utc=True)
        frame = frame.rename(columns={case: "case:concept:name", activity: "concept:name"})
        return pm4py.convert_to_event_log(
            frame[["case:concept:name", "concept:name", "time:timestamp"]], stream_postprocessing=False
        )
    if path.suffix == ".gz":
        plain = folder / path.stem
        with gzip.open(path) as packed, open(plain, "wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        path = plain
    return pm4py.read_xes(str(path), return_legacy_log_object=True, variant="iterparse")


@pytest.mark.parametrize(
    "name",
    [
        "sepsis",
        "running_example",
        "verenich",
        "eventdatar_sepsis",
        "receipt",
        "bpic13",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("helpdesk", "bpic2020", "bpic2012", "bpic2019")),
    ],
)
def test_directly_follows_graph_equals_pm4py(imported, db, real_data, tmp_path, name):
    from pm4py.algo.discovery.dfg import algorithm as pm4py_dfg

    log = _read_by_pm4py(real_data(f"logs/{LOGS[name].file}"), name, tmp_path)
    expected = {arc: count for arc, count in pm4py_dfg.apply(log).items() if count}
    for order in ("time", "file") if name in (*_BY_FILE_ALONE, *_LARGE) else ("time",):
        process = imported(name, order)
        published = {
            (source, target): count
            for source, target, count in db.execute(
                "select source_activity, target_activity, edge_count from mining.dfg where process = %s", (process,)
            )
        }
        assert published == expected


def test_order_of_ties_is_the_files_own(imported, db):
    process = imported("sepsis", "time")
    assert db.execute("select order_declared from event_log.processes where process = %s", (process,)).fetchone() == (
        "occurred_at, source_seq",
    )
    backwards = db.execute(
        """select count(*) from event_log.events as one
           join event_log.events as next using (process, case_key)
           where process = %s and next.event_seq = one.event_seq + 1 and next.source_seq <= one.source_seq""",
        (process,),
    ).fetchone()
    assert backwards == (0,)
    ties = db.execute(
        "select order_basis, tied_event_count from event_log.order_ties where process = %s", (process,)
    ).fetchall()
    assert [basis for basis, _ in ties] == ["source_seq"]
    assert ties[0][1] > 4447


def test_the_case_called_na_survives(imported, db):
    process = imported("eventdatar_sepsis", "time")
    assert db.execute(
        "select count(*) from event_log.cases where process = %s and case_id = 'NA'", (process,)
    ).fetchone() == (1,)


def test_the_same_log_as_xes_and_csv_has_the_same_variants(imported, db):
    one, other = imported("sepsis", "time"), imported("eventdatar_sepsis", "time")
    variants = "select variant_id, count(*) from event_log.cases where process = %s group by variant_id order by 1"
    assert db.execute(variants, (one,)).fetchall() == db.execute(variants, (other,)).fetchall()


def test_every_event_leads_back_to_its_place_in_the_file(imported, db, real_data):
    process = imported("verenich", "time")
    with gzip.open(real_data("logs/verenich_helpdesk.csv.gz"), "rt", encoding="utf-8") as file:
        lines = file.read().splitlines()
    rows = db.execute(
        """select case_id, activity, split_part(source_key, ':', 2)::int, source_seq,
                             to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
                         from event_log.events where process = %s""",
        (process,),
    ).fetchall()
    assert len(rows) == len(lines) - 1
    for case, activity, line, sequence, time in rows:
        assert line == sequence
        assert lines[line - 1] == f"{case},{activity},{time}"


def test_intervals_keep_their_starts(module_settings, db, real_data):
    path = real_data("logs/interval_event_log.csv.gz")
    assert run(arguments("interval_log", path), module_settings) == 0
    counted = db.execute("select count(*), count(started_at) from event_log.events where process = 'interval_log'")
    assert counted.fetchone() == (8109, 8109)
    (seconds,) = db.execute(
        """select mean_service_seconds from mining.activity_kpis
           where process = 'interval_log' and activity = 'place order'"""
    ).fetchone()
    assert seconds > 0


@pytest.mark.slow
def test_lifecycle_pairs_of_bpic2012(module_settings, db, real_data):
    assert (
        run(arguments("bpic2012_pairs", real_data("logs/bpic2012.xes.gz"), "--lifecycle", "pair"), module_settings) == 0
    )
    counted = db.execute("""select count(*) filter (where started_at is not null),
                                count(*) filter (where lifecycle = 'START'),
                                count(*) filter (where started_at > occurred_at)
                            from event_log.events where process = 'bpic2012_pairs'""").fetchone()
    assert counted == (71373, 3, 0)
    assert db.execute("select count(*) from ops.case_rows where process = 'bpic2012_pairs'").fetchone() == (71373,)


@pytest.mark.slow
def test_times_of_1948_are_warned_of_and_kept(imported, db):
    process = imported("bpic2019", "time")
    assert db.execute(
        "select extract(year from min(occurred_at)) from event_log.events where process = %s", (process,)
    ).fetchone() == (1948,)
    severity, is_success = db.execute(
        """select severity, is_success from quality.check_results
           where subject = %s and check_name = 'not_before_earliest'""",
        (process,),
    ).fetchone()
    assert (severity, is_success) == ("warn", False)
