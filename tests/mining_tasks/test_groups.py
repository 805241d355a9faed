"""Groups by small numbers: the same as a plain walk, whatever the keys are and wherever they lie."""

from fractions import Fraction
from statistics import quantiles

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_tasks import durations, groups
from mining_tasks.durations import summarise_durations
from mining_tasks.groups import (
    count_different,
    count_pairs,
    different_pairs,
    distinct,
    exact_sums,
    numbered,
    place_among,
    stable_order,
)

FAR = st.integers(-(2**63), 2**63 - 1)
ROWS = st.lists(st.tuples(st.one_of(st.integers(-3, 3), FAR), st.integers(0, 4), st.one_of(st.integers(0, 5), FAR)))
SCHEMA = {"left": pl.Int64, "right": pl.Int32, "case_key": pl.Int64}


@settings(deadline=None)
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


@pytest.mark.parametrize("packed", [groups.PACKED, 1], ids=["packed", "too large to pack"])
@settings(deadline=None)
@given(
    rows=ROWS, pair=st.sampled_from((("left", "case_key"), ("right", "left"), ("case_key", "right"), ("right", "name")))
)
def test_different_pairs_are_those_of_a_set(packed, rows, pair):
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(name=pl.format("{} ✓", "left"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "PACKED", packed)
        found = different_pairs(nw.from_native(frame), *pair)
    assert len(found) == len(set(found.rows())) and set(found.rows()) == set(frame.select(*pair).rows())
    assert found.to_native().schema == frame.select(*pair).schema
    assert set(different_pairs(nw.from_native(frame.lazy()), *pair).rows()) == set(found.rows())


@settings(deadline=None)
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


@pytest.mark.parametrize("packed", [groups.PACKED, 1], ids=["packed", "too large to pack"])
@settings(deadline=None)
@given(rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**40)), min_size=1, max_size=40))
def test_durations_equal_a_plain_walk(packed, rows):
    frame = nw.from_native(pl.DataFrame(rows, schema=["arc", "duration_us"], orient="row"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(durations, "PACKED", packed)
        patched.setattr(groups, "PACKED", packed)
        found = summarise_durations(frame, by=["arc"], quantiles={"p90": Fraction(9, 10)})
        counted = count_different(frame.sort("duration_us"), by=["arc"], column="duration_us", name="n")
    expected = {arc: [us for other, us in rows if other == arc] for arc, _ in rows}
    assert dict(counted.rows()) == {arc: len(set(values)) for arc, values in expected.items()}
    assert set(found["arc"].to_list()) == set(expected)
    for row in found.iter_rows(named=True):
        values = expected[row["arc"]]
        ninth = quantiles(values * 2 if len(values) == 1 else values, n=10, method="inclusive")[8]
        assert row["duration_count"] == len(values)
        assert (row["min_seconds"], row["max_seconds"]) == (min(values) / 1e6, max(values) / 1e6)
        assert row["total_seconds"] == pytest.approx(sum(values) / 1e6, rel=1e-15)
        assert row["p90"] == pytest.approx(ninth / 1e6, rel=1e-12)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-(2**63), 2**63 - 1))))
def test_sums_are_exact_however_large(rows):
    codes, values = (np.array(column, np.int64) for column in (zip(*rows, strict=True) if rows else ([], [])))
    expected = [sum(value for code, value in rows if code == group) for group in range(5)]
    assert exact_sums(codes, values, 5) == expected


@settings(deadline=None)
@given(st.lists(st.one_of(st.integers(0, 3), FAR)))
def test_equal_numbers_stay_in_their_order(keys):
    assert stable_order(np.array(keys, np.int64)).tolist() == sorted(range(len(keys)), key=keys.__getitem__)


def test_many_equal_numbers_stay_in_their_order():
    keys = np.arange(50_000) * 7 % 13
    assert stable_order(keys).tolist() == np.argsort(keys, kind="stable").tolist()


@settings(deadline=None)
@given(st.lists(st.one_of(st.integers(-20, 20), FAR), max_size=12), st.lists(st.one_of(st.integers(-20, 20), FAR)))
def test_many_numbers_are_placed_among_bounds_however_these_lie(bounds, numbers):
    """Many, so that they are placed by pieces of equal length: all bounds in one piece, and in pieces far apart."""
    bounds = np.array(sorted(bounds), np.int64)
    at = np.array((numbers + bounds.tolist()) * 20, np.int64)
    assert place_among(bounds, at).tolist() == np.searchsorted(bounds, at, side="right").tolist()


def test_numbers_from_the_least_to_the_greatest_are_placed():
    bounds = np.array([-(2**63), -5, 2**63 - 2, 2**63 - 1])
    for greatest in bounds[2:]:
        at = np.array([-(2**63), -6, -5, 2**62, greatest] * 20)
        assert place_among(bounds, at).tolist() == np.searchsorted(bounds, at, side="right").tolist()


@settings(deadline=None)
@given(st.lists(st.one_of(st.integers(-3, 3), FAR)))
def test_different_numbers_are_found_near_and_far(numbers):
    for order in (numbers, sorted(numbers)):
        different, places = distinct(np.array(order, np.int64))
        assert different.tolist() == sorted(set(numbers))
        assert different[places].tolist() == order


def test_numbers_too_long_to_have_their_place_beside_them_stay_in_their_order():
    draw = np.random.default_rng(5)
    keys = draw.integers(-4, 4, 5_000) * 2**58 + draw.integers(0, 40, 5_000)
    assert stable_order(keys).tolist() == np.argsort(keys, kind="stable").tolist()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 2, 5_000]))), st.integers(0, 6))
def test_pairs_are_counted_with_a_table_of_them_and_without(rows, size):
    """The greatest value decides whether there is room for a table."""
    codes, values = (np.array(column, np.int64) for column in (zip(*rows, strict=True) if rows else ([], [])))
    expected = [len({value for code, value in rows if code == group}) for group in range(max(size, *codes + 1, 0))]
    assert count_pairs(codes, values, size).tolist() == expected
