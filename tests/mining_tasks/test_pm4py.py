"""pm4py as an oracle, given the same order of events; and the figures of the real logs."""

import warnings

import polars as pl
import pytest

from mining_tasks.case_kpis import measure_cases
from mining_tasks.dfg import discover_dfg
from mining_tasks.ends import discover_ends
from mining_tasks.rework import measure_rework
from mining_tasks.variants import discover_variants
from sluice.keys import activity_key, case_key
from tests.mining_tasks import public_logs
from tests.mining_tasks.logs import SCHEMA
from tests.mining_tasks.public_logs import ACTIVITY, CASE, TIME

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pm4py
    from pm4py.algo.discovery.dfg.adapters.pandas import df_statistics
    from pm4py.statistics.rework.cases.pandas import get as rework_per_case
    from pm4py.statistics.traces.generic.pandas import case_statistics

DAY = 86_400
LOGS = {  # file: cases, events, activities, variants, mean and median days, cases of the commonest variant, arcs
    "sepsis": (1050, 15214, 16, 846, 28.469, 5.343, 35, 115),
    "helpdesk": (4580, 21348, 14, 226, 40.858, 39.859, 2366, 55),
    "receipt": (1434, 8577, 27, 116, 5.408, 0.033, 713, 99),
    "bpic2013": (1487, 6660, 7, 327, 178.885, 82.022, 485, 27),
    "running-example": (6, 42, 8, 6, 966_890 / DAY, None, 1, 16),
    "bpic2020": (10500, 56437, 17, 99, 11.526, 7.330, 4618, 39),
    "bpic2012": (13087, 262200, 24, 4366, 8.624, 0.809, 3429, 125),
    "bpic2019": (11973, 338247, 42, 11973, 110.642, 84.946, 1, 498),
    "verenich": (3804, 13710, 9, 154, 8.798, 3.928, 2173, 33),
    "odoo": (600, 4543, 13, 88, 20.014, 19.026, None, None),
}


@pytest.fixture(scope="module", params=public_logs.every())
def log(request, real_data):
    """(figures, pm4py's frame in the file's order, ours of the same)."""
    theirs = public_logs.read(request.param, real_data)[[CASE, ACTIVITY, TIME]]
    keys = {case: case_key("test", case) for case in theirs[CASE].unique()}
    codes = {name: activity_key(name) for name in theirs[ACTIVITY].unique()}
    ours = pl.DataFrame(
        {
            "case_key": theirs[CASE].map(keys).to_numpy(),
            "event_seq": (theirs.groupby(CASE).cumcount() + 1).to_numpy(),
            "activity_key": theirs[ACTIVITY].map(codes).to_numpy(),
            "occurred_us": theirs[TIME].astype("datetime64[us, UTC]").astype("int64").to_numpy(),
        }
    ).with_columns(pl.lit(None, dtype=pl.Int64).alias("started_us"), pl.lit(None, dtype=pl.Int64).alias("resource_key"))
    ours = ours.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
    return LOGS[request.param], theirs, ours, {key: name for name, key in codes.items()}, keys


def test_figures(log):
    (cases, events, activities, variants, mean, median, commonest, arcs), _, ours, names, _ = log
    found = discover_variants(ours, names=names)
    assert (len(found.cases), len(ours), len(names), len(found.variants)) == (cases, events, activities, variants)
    assert commonest is None or found.variants["case_count"].to_list()[0] == commonest
    assert arcs is None or len(discover_dfg(ours).edges) == arcs
    durations = measure_cases(ours)["throughput_seconds"]
    assert durations.mean() / DAY == pytest.approx(mean, abs=0.0005)
    assert median is None or durations.median() / DAY == pytest.approx(median, abs=0.0005)


def test_dfg_equals_pm4py(log):
    _, theirs, ours, names, _ = log
    options = {"sort_caseid_required": False, "sort_timestamp_along_case_id": False}
    counts, means = df_statistics.get_dfg_graph(theirs.copy(), measure="both", perf_aggregation_key="mean", **options)
    medians = df_statistics.get_dfg_graph(
        theirs.copy(), measure="performance", perf_aggregation_key="median", **options
    )
    rows = list(discover_dfg(ours).edges.iter_rows(named=True))
    arc = lambda row: (names[row["source_activity_key"]], names[row["target_activity_key"]])  # noqa: E731
    assert {arc(row): row["edge_count"] for row in rows} == counts
    assert sum(row["backward_count"] for row in rows) == 0  # else pm4py's durations are negative, ours 0
    assert {arc(row): row["mean_seconds"] for row in rows} == pytest.approx(means, rel=1e-9, abs=1e-6)
    assert {arc(row): row["median_seconds"] for row in rows} == pytest.approx(medians, rel=1e-9, abs=1e-6)


def test_variants_equal_pm4py(log):
    _, theirs, ours, names, _ = log
    expected = theirs.groupby(CASE)[ACTIVITY].agg(tuple).value_counts().to_dict()
    if len(theirs) < 10_000:
        assert {tuple(variant): count for variant, count in pm4py.get_variants(theirs).items()} == expected
    found = discover_variants(ours, names=names)
    steps: dict[str, tuple] = {}
    for variant, _, key in found.steps.iter_rows():
        steps[variant] = (*steps.get(variant, ()), names[key])
    assert {
        steps[variant]: count for variant, count in found.variants.select("variant_id", "case_count").iter_rows()
    } == expected


def test_cases_ends_and_rework_equal_pm4py(log):
    _, theirs, ours, names, keys = log
    cases = {row["case_key"]: row for row in measure_cases(ours).iter_rows(named=True)}
    described = case_statistics.get_cases_description(theirs.copy())
    assert {case: cases[key]["throughput_seconds"] for case, key in keys.items()} == pytest.approx(
        {case: row["caseDuration"] for case, row in described.items()}, abs=1e-6
    )
    reworked = rework_per_case.apply(theirs)
    assert {case: cases[key]["rework_count"] for case, key in keys.items()} == {
        c: r["rework"] for c, r in reworked.items()
    }
    ends = discover_ends(ours)
    first, last = theirs.groupby(CASE)[ACTIVITY].first(), theirs.groupby(CASE)[ACTIVITY].last()
    for frame, expected in ((ends.starts, first), (ends.ends, last)):
        found = {names[key]: count for key, count in frame.select("activity_key", "case_count").iter_rows()}
        assert found == expected.value_counts().to_dict()
    assert pm4py.get_rework_cases_per_activity(theirs) == {
        names[key]: count
        for key, count in measure_rework(ours).select("activity_key", "repeat_case_count").iter_rows()
        if count
    }
