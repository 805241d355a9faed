"""`sluice mine`: every engine comes to what is published, and what was changed behind its back shows."""

import psycopg
import pytest

from mining_tasks.engines import DUCKDB, PANDAS, POLARS, PYSPARK
from mining_tasks.runner import TABLES
from sluice.cli import main
from sluice.errors import BadInput, SluiceError
from sluice.mine_again import compare_with_published
from sluice.settings import Settings
from tests.mining_tasks.logs import NO_SPARK


def as_published(settings: Settings, engine: str) -> dict[str, tuple[int, int]]:
    found = compare_with_published(settings, "purchase_to_pay", engine=engine)
    assert list(found) == list(TABLES)
    assert {name: different for name, (_, different) in found.items() if different} == {}, engine
    assert found["dfg"][0] > 10 and found["case_kpis"][0] > 250
    return found


@pytest.mark.slow
@pytest.mark.skipif(NO_SPARK is not None, reason=str(NO_SPARK))
def test_pyspark_comes_to_what_is_published(settings, planted_company):
    planted_company(300, 5)
    as_published(settings, PYSPARK)


def test_every_engine_comes_to_what_is_published_and_a_change_shows(settings, planted_company, capsys, monkeypatch):
    planted_company(300, 5)
    for engine in (POLARS, DUCKDB, PANDAS):
        found = as_published(settings, engine)
    with psycopg.connect(settings.warehouse_url, autocommit=True) as db:
        db.execute("update mining.dfg set edge_count = edge_count + 1 where source_activity = 'Create RFQ'")
        db.execute("delete from mining.variants where rank = 1")
        changed = compare_with_published(settings, "purchase_to_pay")
        arcs = db.execute("select count(*) from mining.dfg where source_activity = 'Create RFQ'").fetchone()[0]
        assert {name: different for name, (_, different) in changed.items() if different} == {
            "dfg": 2 * arcs,
            "variants": 1,
        }
        monkeypatch.setenv("SLUICE_WAREHOUSE_URL", settings.warehouse_url)
        assert main(["mine", "purchase_to_pay"]) == 1
        assert f"dfg{'':25} {found['dfg'][0]:12,}  {2 * arcs} rows differ" in capsys.readouterr().out
        with pytest.raises(BadInput, match="expected a published process, found 'nothing'"):
            compare_with_published(settings, "nothing")
        db.execute("update candidate.purchase_to_pay__build set run_id = 'a later run'")
    with pytest.raises(SluiceError, match="its last build \\(a later run\\) is not published"):
        compare_with_published(settings, "purchase_to_pay")
