"""Results that are written while others are computed: all of them or none, and what fails is told."""

import psycopg
import pyarrow as pa
import pytest

from mining_tasks.writer import Writer
from sluice.mined import WHOLE, Mined
from sluice.warehouse import migrate

NAMES = ("rework", "start_activities", "end_activities")
ENDS = pa.table({"activity": ["pay", "étape ✓"], "case_count": [3, 2], "case_share": [0.6, 0.4]})


def written(url: str) -> dict[str, list[tuple]]:
    with psycopg.connect(url) as db:
        return {
            name: db.execute(
                f"select process, activity, case_count from candidate.demo__mining_{name} order by 2"
            ).fetchall()
            for name in ("start_activities", "end_activities")
        } | {"note": db.execute("select run_id, scope from candidate.demo__mined").fetchall()}


@pytest.fixture
def url(settings):
    migrate(settings.warehouse_url)
    with Writer(settings.warehouse_url, "demo", NAMES, Mined("first", WHOLE, "x")) as writer:
        writer.put("end_activities", ENDS)
        writer.put("rework", None)
    return settings.warehouse_url


def test_what_is_put_is_there_at_the_end_and_the_rest_is_empty(url):
    found = written(url)
    assert found["end_activities"] == [("demo", "pay", 3), ("demo", "étape ✓", 2)]
    assert found["start_activities"] == [] and found["note"] == [("first", WHOLE)]
    with Writer(url, "demo", NAMES, Mined("second", WHOLE, "x")) as writer:
        writer.put("start_activities", ENDS)
        assert written(url) == found, "nobody sees what is not complete"
    assert written(url)["end_activities"] == [] and len(written(url)["start_activities"]) == 2


def test_an_error_of_who_computes_leaves_everything_as_it_was(url):
    before = written(url)
    with pytest.raises(RuntimeError, match="no"), Writer(url, "demo", NAMES, Mined("second", WHOLE, "x")) as writer:
        writer.put("start_activities", ENDS)
        raise RuntimeError("no")
    assert written(url) == before


@pytest.mark.parametrize("put_on", [0, 20])
def test_an_error_of_writing_is_raised_and_leaves_everything_as_it_was(url, put_on):
    before = written(url)
    with (
        pytest.raises(ValueError, match=r"mining\.start_activities: expected the columns"),
        Writer(url, "demo", NAMES, Mined("second", WHOLE, "x")) as writer,
    ):
        writer.put("end_activities", ENDS)
        writer.put("start_activities", ENDS.drop_columns(["case_share"]))
        for _ in range(put_on):
            writer.put("end_activities", ENDS)
    assert written(url) == before


def test_a_warehouse_that_does_not_answer_is_told(url):
    gone = url.rsplit("/", 1)[0] + "/nowhere"
    with pytest.raises(Exception, match="nowhere"), Writer(gone, "demo", NAMES, Mined("second", WHOLE, "x")) as writer:
        writer.put("end_activities", ENDS)
