"""Mining beside pm4py: an event log in PostgreSQL -> directly-follows graph with medians, variants, figures per case, rework,
handover of work, start and end activities -> tables in PostgreSQL.

`python benchmarks/mining.py --events 1000000 5000000` makes a log on a PostgreSQL of its own; each side is a process of its
own that reads the same table, computes and writes. `--pm4py-up-to 5000000` leaves pm4py out of the larger logs. Then each
computation alone, on the log in memory, beside the same in bare Polars expressions and what r4pm, pm4py on Polars and, where
it is installed (`uv pip install pl4pm==0.2.2`), pl4pm have of it.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import adbc_driver_postgresql.dbapi as adbc
import narwhals as nw
import numpy as np
import polars as pl
import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mining_tasks import io
from mining_tasks.case_kpis import case_spans, measure_cases
from mining_tasks.dfg import discover_dfg
from mining_tasks.ends import count_ends
from mining_tasks.frames import events_of
from mining_tasks.handover import discover_handovers
from mining_tasks.rework import measure_rework
from mining_tasks.variants import discover_variants
from sluice.settings import Settings
from sluice.warehouse import embedded, migrate

PROCESS = "made_up"
EVENTS_PER_CASE = 10
ACTIVITIES = 25
CHUNK = 1_000_000
SIDES = ("bare read", "sluice", "pm4py")
LARGEST_OF_OTHERS = 5_000_000  # events; other libraries keep a log as texts
START = 1_700_000_000_000_000  # microseconds since 1970
CASE, ACTIVITY, TIME, RESOURCE = "case:concept:name", "concept:name", "time:timestamp", "org:resource"


def made_up_log(event_count: int, *, seed: int = 1) -> pl.DataFrame:
    """Cases of ten events each, activities by a skewed chance, gaps of seconds to weeks; sorted. event_count: of `seed`."""
    chance = np.random.default_rng(seed)
    count = event_count // EVENTS_PER_CASE * EVENTS_PER_CASE
    cases = np.sort(chance.integers(-(2**62), 2**62, count // EVENTS_PER_CASE))
    gaps = (chance.lognormal(9, 2, count) * 1_000_000).astype(np.int64) + 1
    activities = np.minimum(chance.geometric(0.2, count), ACTIVITIES)
    # the log's usual way, which most cases take in the main
    usual = np.tile(np.arange(1, EVENTS_PER_CASE + 1), count // EVENTS_PER_CASE)
    activities = np.where(chance.random(count) < 0.97, usual, activities)
    return pl.DataFrame(
        {
            "case_key": np.repeat(cases, EVENTS_PER_CASE),
            "event_seq": np.tile(np.arange(1, EVENTS_PER_CASE + 1, dtype=np.int32), count // EVENTS_PER_CASE),
            "activity_key": activities.astype(np.int32),
            "occurred_us": START + gaps.reshape(-1, EVENTS_PER_CASE).cumsum(axis=1).ravel(),
            "started_us": pl.Series([None] * count, dtype=pl.Int64),
            "resource_key": chance.integers(1, 500, count),
        }
    )


def fill(url: str, event_count: int) -> None:
    """The candidate tables of a process, as a build makes them, with the columns that mining and pm4py read."""
    text = {
        "events": """case_id text, case_key bigint, event_seq int, activity text, activity_key int, occurred_at timestamptz,
                     started_at timestamptz, resource text""",
        "cases": "case_id text, case_key bigint, is_open boolean",
        "activities": "activity_key int, activity text, rank int, is_automated boolean",
    }
    names = {number: f"activity {number}" for number in range(1, ACTIVITIES + 1)}
    with adbc.connect(url) as db, db.cursor() as cursor:
        for table, columns in text.items():
            cursor.execute(f"drop table if exists candidate.{PROCESS}__{table}")
            cursor.execute(f"create table candidate.{PROCESS}__{table} ({columns})")
        activities = pl.DataFrame({"activity_key": list(names), "activity": list(names.values())})
        _write(
            cursor,
            "candidate",
            f"{PROCESS}__activities",
            activities.select(
                pl.col("activity_key").cast(pl.Int32),
                "activity",
                rank=pl.lit(None, pl.Int32),
                is_automated=pl.lit(False),
            ),
        )
        for seed in range(-(-event_count // CHUNK)):
            events = made_up_log(min(CHUNK, event_count - seed * CHUNK), seed=seed).select(
                case_id=pl.format("case {}", "case_key"),
                case_key="case_key",
                event_seq="event_seq",
                activity=pl.format("activity {}", "activity_key"),
                activity_key="activity_key",
                occurred_at=pl.col("occurred_us").cast(pl.Datetime("us", "UTC")),
                started_at=pl.col("started_us").cast(pl.Datetime("us", "UTC")),
                resource=pl.format("p_{}", "resource_key"),
            )
            cases = events.select("case_id", "case_key").unique("case_key", maintain_order=True)
            _write(cursor, "candidate", f"{PROCESS}__events", events)
            _write(cursor, "candidate", f"{PROCESS}__cases", cases.with_columns(is_open=pl.lit(False)))
        db.commit()
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("vacuum analyze")


def _write(cursor: adbc.Cursor, schema: str, table: str, rows: pl.DataFrame, *, mode: str = "append") -> None:
    cursor.adbc_ingest(table, rows.to_arrow(), mode=mode, db_schema_name=schema)


def write_all(url: str, tables: dict[str, pl.DataFrame]) -> None:
    """Every table into schema bench, replaced."""
    with io.connection(url) as db, db.cursor() as cursor:
        for name, rows in tables.items():
            _write(cursor, "bench", name, rows, mode="replace")


def bare_read(url: str) -> None:
    """What ADBC takes for the log alone, as Sluice reads it."""
    with adbc.connect(url) as db, db.cursor() as cursor:
        cursor.execute(
            f"""select case_key, event_seq, activity_key, occurred_at, started_at, hashtextextended(resource, 0)
                from candidate.{PROCESS}__events"""
        )
        cursor.fetch_arrow_table()


@contextmanager
def writing_beside(url: str) -> Iterator[Callable[[str, nw.DataFrame], None]]:
    """Write results while others are computed, in a thread with a connection of its own, as the nightly run does."""

    def write(name: str, rows: nw.DataFrame) -> None:
        with connection.result().cursor() as cursor:
            _write(cursor, "bench", f"sluice_{name}", rows.to_polars(), mode="replace")

    with ThreadPoolExecutor(1) as thread:
        connection = thread.submit(adbc.connect, url)
        written = []
        yield lambda name, rows: written.append(thread.submit(write, name, rows))
        for one in written:
            one.result()
        connection.result().commit()
        connection.result().close()


def with_sluice(url: str) -> None:
    """The functions that the nightly run calls."""
    with writing_beside(url) as write:
        log = io.read_log(url, PROCESS)
        write("handovers", discover_handovers(log.events))
        cases = measure_cases(log.events)
        write("cases", cases)
        ends = count_ends(cases)
        write("starts", ends.starts)
        write("ends", ends.ends)
        write("rework", measure_rework(log.events))
        write("dfg", discover_dfg(log.events).edges)
        write("variants", discover_variants(log.events, names=log.activities).variants)


def with_pm4py(url: str) -> None:
    """The same by pm4py's own functions, its log read by ADBC as well."""
    warnings.simplefilter("ignore")
    import pm4py
    from pm4py.statistics.traces.generic.pandas import case_statistics

    with adbc.connect(url) as db, db.cursor() as cursor:
        cursor.execute(
            f"""select case_id as "{CASE}", activity as "{ACTIVITY}", occurred_at as "{TIME}", resource as "{RESOURCE}"
                from candidate.{PROCESS}__events order by case_key, event_seq"""
        )
        log = cursor.fetch_arrow_table().to_pandas()
    performance, starts, ends = pm4py.discover_performance_dfg(log, perf_aggregation_key="all")
    counts, _, _ = pm4py.discover_dfg(log)
    handovers = pm4py.discover_handover_of_work_network(log).connections
    cases = case_statistics.get_cases_description(log)
    found = {
        "dfg": [
            (*arc, counts[arc], *(float(of[what]) for what in ("mean", "median", "min", "max", "sum")))
            for arc, of in performance.items()
        ],
        "variants": [(" | ".join(map(str, steps)), count) for steps, count in pm4py.get_variants(log).items()],
        "cases": [(case, of["caseDuration"], of["startTime"], of["endTime"]) for case, of in cases.items()],
        "rework": list(pm4py.get_rework_cases_per_activity(log).items()),
        "handovers": [(*pair, value) for pair, value in handovers.items()],
        "starts": list(starts.items()),
        "ends": list(ends.items()),
    }
    write_all(url, {f"pm4py_{name}": pl.DataFrame(rows, orient="row") for name, rows in found.items()})


RUN = {"bare read": bare_read, "sluice": with_sluice, "pm4py": with_pm4py}


def measured(side: str, url: str) -> tuple[float, float, int]:
    """(seconds, seconds of processor, peak MB) of one side in a process of its own, its imports not counted."""
    command = [sys.executable, __file__, "--side", side, "--url", url]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{side} ended with {done.returncode}: {done.stderr}")
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def work_as(side: str, url: str) -> None:
    """Be one side: work, and print what it took."""
    if side == "pm4py":
        import pm4py  # noqa: F401
    began, processor = time.perf_counter(), time.process_time()
    RUN[side](url)
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    print(json.dumps([seconds, processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024]))


def disagreements(url: str) -> list[str]:
    """Where what was written by the one is not what was written by the other."""
    arcs, theirs = ("mean", "median", "min", "max", "total"), range(3, 8)
    pairs = {
        "arcs": (
            """select 'activity ' || source_activity_key, 'activity ' || target_activity_key, edge_count, """
            + ", ".join(f"round({name}_seconds::numeric, 1)" for name in arcs)
            + " from bench.sluice_dfg",
            "select column_0, column_1, column_2, "
            + ", ".join(f"round(column_{number}::numeric, 1)" for number in theirs)
            + " from bench.pm4py_dfg",
        ),
        "variants": (
            "select case_count, count(*) from bench.sluice_variants group by 1",
            "select column_1, count(*) from bench.pm4py_variants group by 1",
        ),
        "case durations": (
            "select round(throughput_seconds::numeric, 3), count(*) from bench.sluice_cases group by 1",
            "select round(column_1::numeric, 3), count(*) from bench.pm4py_cases group by 1",
        ),
        "handovers": (  # pm4py's are shares, ours between hashes
            """select share, count(*) from (select round(edge_count / sum(edge_count) over (), 10) as share
                                            from bench.sluice_handovers) as h group by 1""",
            "select round(column_2::numeric, 10), count(*) from bench.pm4py_handovers group by 1",
        ),
        "rework": (
            """select 'activity ' || activity_key, repeat_case_count from bench.sluice_rework where repeat_case_count > 0""",
            "select column_0, column_1 from bench.pm4py_rework",
        ),
    } | {
        end: (
            f"select 'activity ' || activity_key, case_count from bench.sluice_{end}",
            f"select column_0, column_1 from bench.pm4py_{end}",
        )
        for end in ("starts", "ends")
    }
    differ = "select count(*) from (({0} except {1}) union all ({1} except {0})) as d"
    with psycopg.connect(url) as db:
        return [name for name, pair in pairs.items() if db.execute(differ.format(*pair)).fetchone()[0]]


def in_polars(log: pl.DataFrame, names: dict[int, str]) -> dict[str, Callable[[], object]]:
    """The same figures as bare expressions, of a log that is known to be sorted, without any check."""
    following = log.lazy().with_columns(
        next_activity=pl.col("activity_key").shift(-1).over("case_key"),
        gap=pl.col("occurred_us").shift(-1).over("case_key") - pl.col("occurred_us"),
    )
    arcs = following.drop_nulls("next_activity").group_by("activity_key", "next_activity")
    gap = pl.col("gap")
    shown = pl.col("activity_key").replace_strict(names, return_dtype=pl.String)
    return {
        "dfg": lambda: arcs.agg(
            pl.len(),
            pl.col("case_key").n_unique(),
            gap.mean().alias("mean"),
            gap.median().alias("median"),
            gap.quantile(0.9, "linear").alias("p90"),
            gap.min().alias("min"),
            gap.max().alias("max"),
            gap.sum().alias("total"),
        ).collect(),
        "variants": lambda: (
            log.lazy()
            .group_by("case_key", maintain_order=True)
            .agg(shown.str.join("|").alias("steps"), d=pl.col("occurred_us").max() - pl.col("occurred_us").min())
            .group_by("steps")
            .agg(pl.len(), pl.col("d").median())
            .collect()
        ),
        "case_kpis": lambda: (
            following.group_by("case_key", maintain_order=True)
            .agg(
                pl.len(),
                pl.col("activity_key").first().alias("first"),
                pl.col("activity_key").last().alias("last"),
                pl.col("activity_key").n_unique().alias("activities"),
                pl.col("resource_key").n_unique().alias("resources"),
                pl.col("occurred_us").min().alias("started"),
                pl.col("occurred_us").max().alias("ended"),
                pl.col("gap").max().alias("longest"),
                pl.col("activity_key").get(pl.col("gap").arg_max()).alias("longest_after"),
            )
            .collect()
        ),
        "durations": lambda: (
            log.lazy()
            .group_by("case_key")
            .agg(pl.col("occurred_us").min(), pl.col("occurred_us").max().alias("ended"))
            .with_columns(duration=pl.col("ended") - pl.col("occurred_us"))
            .collect()
        ),
        "rework": lambda: (
            following.with_columns(is_loop=pl.col("activity_key") == pl.col("next_activity"))
            .group_by("case_key", "activity_key")
            .agg(pl.len().alias("times"), pl.col("is_loop").sum())
            .group_by("activity_key")
            .agg(
                pl.len(),
                (pl.col("times") > 1).sum().alias("repeated"),
                (pl.col("times") - 1).sum().alias("repeats"),
                pl.col("times").max().alias("most"),
                pl.col("is_loop").sum(),
            )
            .collect()
        ),
        "handovers": lambda: (
            log.lazy()
            .with_columns(other=pl.col("resource_key").shift(-1).over("case_key"))
            .drop_nulls("other")
            .group_by("resource_key", "other")
            .agg(pl.len())
            .collect()
        ),
    }


def by_others(log: pl.DataFrame, names: dict[int, str]) -> dict[str, dict[str, Callable[[], object]]]:
    """Library -> computation -> what it has of it, on a log as it wants it, whose making is not counted; most have less:
    counts alone, or one figure. Of pl4pm nothing where it is not installed: it is no dependency.
    """
    import pm4py
    import r4pm
    from r4pm.bindings.core.event_data.case_centric.utils import activity_projection
    from r4pm.bindings.discovery.case_centric import dfg

    shown = {CASE: pl.col("case_key").cast(pl.String), RESOURCE: pl.col("resource_key").cast(pl.String)}
    activity = pl.col("activity_key").replace_strict(names, return_dtype=pl.String)
    texts = log.select(**shown, **{ACTIVITY: activity, TIME: pl.col("occurred_us").cast(pl.Datetime("us", "UTC"))})
    of_rust = r4pm.import_item_from_df("EventLog", texts)
    found = {
        "r4pm": {
            "dfg": lambda: dfg.discover_dfg(of_rust),
            "variants": lambda: activity_projection.get_variants(
                activity_projection.log_to_activity_projection(of_rust)
            ),
        },
        "pm4py/Polars": {
            "dfg": lambda: pm4py.discover_dfg(texts.lazy()),
            "variants": lambda: pm4py.get_variants(texts.lazy()),
            "rework": lambda: pm4py.get_rework_cases_per_activity(texts.lazy()),
        },
    }
    try:
        import pl4pm
    except ImportError:
        return found
    kept = []  # it remembers results by the identity of a log, which must not come again

    def fresh() -> pl.LazyFrame:
        kept.append(texts.lazy())
        return kept[-1]

    found["pl4pm"] = {
        "dfg": lambda: pl4pm.discover_performance_dfg(fresh(), perf_aggregation_key="all"),
        "variants": lambda: pl4pm.get_variants(fresh()),
        "durations": lambda: pl4pm.get_all_case_durations(fresh()),
        "rework": lambda: pl4pm.get_rework_cases_per_activity(fresh()),
        "handovers": lambda: pl4pm.discover_handover_of_work_network(fresh()),
    }
    return found


def alone(event_count: int) -> None:
    """Each computation on a log in memory, the quickest of three, beside bare Polars and what other libraries have of it."""
    log = pl.concat([made_up_log(min(CHUNK, event_count - n * CHUNK), seed=n) for n in range(-(-event_count // CHUNK))])
    log = log.sort("case_key", "event_seq")
    names = {number: f"activity {number}" for number in range(1, ACTIVITIES + 1)}
    ours = {
        "dfg": lambda: discover_dfg(log),
        "variants": lambda: discover_variants(log, names=names),
        "case_kpis": lambda: measure_cases(log),
        "durations": lambda: case_spans(events_of(log)),
        "rework": lambda: measure_rework(log),
        "handovers": lambda: discover_handovers(log),
    }
    others = {"bare Polars": in_polars(log, names)}
    if event_count <= LARGEST_OF_OTHERS:
        warnings.simplefilter("ignore")
        others |= by_others(log, names)
    heading = f"{len(log):,} events in memory"
    print(f"\n{heading:26} {'sluice':>11}" + "".join(f"{name:>15}" for name in others) + f"{'x the quickest':>16}")
    for name, task in ours.items():
        seconds = min(_timed(task) for _ in range(3))
        told = {side: min(_timed(of[name]) for _ in range(3)) for side, of in others.items() if name in of}
        line = "".join(f"{told[side]:13.2f} s" if side in told else f"{'-':>15}" for side in others)
        print(f"{name:26} {seconds:9.2f} s{line}{seconds / min(told.values()):16.2f}", flush=True)


def _timed(task: Callable[[], object]) -> float:
    began = time.perf_counter()
    task()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000])
    parser.add_argument(
        "--pm4py-up-to", type=int, default=5_000_000, help="events of the largest log that pm4py reads, too"
    )
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        work_as(given.side, given.url)
        return
    versions = ", ".join(f"{name} {version(name)}" for name in ("polars", "narwhals", "pm4py", "pandas"))
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}")
    with tempfile.TemporaryDirectory(prefix="sluice-mining-", ignore_cleanup_errors=True) as folder:
        settings = Settings(home=Path(folder))
        embedded.start(settings)
        try:
            url = embedded.url(settings, "postgres")
            migrate(url)
            with psycopg.connect(url) as db:
                db.execute("create schema bench")
            for events in given.events:
                beside(url, events, with_pm4py=events <= given.pm4py_up_to)
        finally:
            embedded.stop(settings)
    for events in given.events:
        alone(events)


def beside(url: str, events: int, *, with_pm4py: bool) -> None:
    """One log, side by side."""
    fill(url, events)
    print(f"\n{events:,} events       seconds   processor  peak memory   x bare read     x sluice", flush=True)
    of = {side: measured(side, url) for side in SIDES if side != "pm4py" or with_pm4py}
    for side, (seconds, processor, memory) in of.items():
        ratios = f"{seconds / of['bare read'][0]:11.2f} {seconds / of['sluice'][0]:12.2f}"
        print(f"{side:16} {seconds:9.2f} s {processor:9.2f} s {memory:9} MB {ratios}")
    if with_pm4py:
        print("written otherwise by the two: " + (", ".join(disagreements(url)) or "nothing"))


if __name__ == "__main__":
    main()
