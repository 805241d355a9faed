"""Groups by small numbers: the same as a plain walk, whatever the keys are and wherever they lie."""

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mining_tasks.durations import summarise_durations
from mining_tasks.groups import count_different, numbered

FAR = st.integers(-(2**63), 2**63 - 1)
ROWS = st.lists(st.tuples(st.one_of(st.integers(-3, 3), FAR), st.integers(0, 4), st.one_of(st.integers(0, 5), FAR)))
SCHEMA = {"left": pl.Int64, "right": pl.Int32, "case_key": pl.Int64}


@given(ROWS, st.booleans(), st.sampled_from((["left"], ["right"], ["right", "left"], ["right", "name"])))
def test_different_values_are_counted_as_a_walk_counts_them(rows, is_sorted, by):
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(name=pl.format("{} ✓", "left"))
    frame = frame.sort("case_key") if is_sorted else frame
    seen: dict[tuple, set[int]] = {}
    for row in frame.iter_rows(named=True):
        seen.setdefault(tuple(row[key] for key in by), set()).add(row["case_key"])
    found = count_different(nw.from_native(frame), by=by, column="case_key", name="n")
    assert {row[:-1]: row[-1] for row in found.rows()} == {key: len(values) for key, values in seen.items()}
    assert len(found) == len(seen) and found.columns == [*by, "n"] and found.schema["n"] == nw.Int64()


@given(ROWS, st.sampled_from((["left"], ["right", "left"], ["right", "name"])))
def test_a_row_has_the_place_of_its_group(rows, by):
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(name=pl.format("{}", "left"))
    numbered_rows, codes, groups = numbered(nw.from_native(frame), by)
    assert sorted(numbered_rows.rows()) == sorted(frame.rows())
    listed = groups.rows()
    assert len(set(listed)) == len(listed)
    assert [listed[code] for code in codes] == numbered_rows.select(*by).rows()


@pytest.mark.parametrize("far", [0, 2**62])
def test_a_key_that_is_null_has_no_group_of_durations(far):
    frame = pl.DataFrame({"arc": [1, None, 1 + far], "duration_us": [2_000_000, 3_000_000, 5_000_000]})
    found = summarise_durations(nw.from_native(frame), by=["arc"]).sort("arc").select("arc", "total_seconds")
    assert found.rows() == ([(1, 2.0), (1 + far, 5.0)] if far else [(1, 7.0)])
