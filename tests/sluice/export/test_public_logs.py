"""Public logs, there and back: what is exported of them is read by pm4py, by r4pm and by the importer as it was published."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from sluice.import_log import run
from sluice.warehouse import connect
from tests.sluice.export.conftest import published
from tests.sluice.export.test_round_trip import export, read_by_pm4py
from tests.sluice.import_log.conftest import arguments

LOGS = (
    "running-example.xes",
    pytest.param("Sepsis.xes.gz", marks=pytest.mark.slow),
    pytest.param("BPIC13_closed_problems.xes.gz", marks=pytest.mark.slow),
    pytest.param("bpic2012.xes.gz", marks=pytest.mark.slow),
)


@pytest.mark.parametrize("name", LOGS)
def test_public_log_comes_back(name, exporting, real_data: Callable[[str], Path], tmp_path):
    import pm4py
    import r4pm

    assert run(arguments("public", real_data(f"logs/{name}")), exporting) == 0
    with connect(exporting.warehouse_url) as db:
        events = published(db, "public")
        arcs = {
            (source, target): count
            for source, target, count in db.execute(
                "select source_activity, target_activity, edge_count from mining.dfg where process = 'public'"
            )
        }
    path = tmp_path / "public.xes.gz"
    export(exporting, "public", path, "--attributes")
    theirs = read_by_pm4py(path)
    read = Counter((t.attributes["concept:name"], e["concept:name"], e["time:timestamp"]) for t in theirs for e in t)
    assert read == Counter((row[0], row[2], row[3]) for row in events)
    graph, _, _ = pm4py.discover_dfg(theirs)
    assert dict(graph) == arcs
    frame, _ = r4pm.df.import_xes(str(path))
    columns = ["case:concept:name", "concept:name", "time:timestamp"]
    assert read == Counter((case, name, at.replace(tzinfo=UTC)) for case, name, at in frame.select(columns).iter_rows())
    for again in (path, tmp_path / "public.csv.gz"):
        if again != path:
            export(exporting, "public", again)
        settings = replace(exporting, home=tmp_path / "home")
        assert run(arguments("again", again, "--timezone", "UTC"), settings) == 0
        with connect(exporting.warehouse_url) as db:
            assert published(db, "again") == events
            for table in ("variants", "dfg", "throughput_by_week"):
                one, other = (
                    db.execute(
                        f"select to_jsonb(t) - 'process' from mining.{table} as t where process = %s",
                        (process,),
                    ).fetchall()
                    for process in ("public", "again")
                )
                assert sorted(map(str, one)) == sorted(map(str, other)) != [], table
            if again == path:
                queries = (
                    f"select to_jsonb(t) - 'case_key' from event_log.{process}_attributes as t order by case_id collate \"C\""
                    for process in ("public", "again")
                )
                one, other = (db.execute(query).fetchall() for query in queries)
                assert one == other
