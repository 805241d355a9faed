"""Prediction: nothing later than the moment is known, the figures have a second way to them, intervals hold what really came
later, noise is not told."""

import math
import os
import random
import subprocess
import sys
from bisect import bisect_right
from collections import Counter
from datetime import UTC, datetime
from itertools import accumulate, count, islice, pairwise, takewhile
from pathlib import Path
from statistics import mean, median, stdev

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from mining_tasks.prediction import (
    FEWEST_CASES,
    MOST_CASES,
    MOST_SNAPSHOTS,
    SNAPSHOTS,
    Prediction,
    predict,
    snapshots_of,
)
from tests.mining_tasks.companies import CLOSING, as_log, truth

P2P = "purchase_to_pay"
HOUR, DAY = 3_600_000_000, 86_400_000_000
ASKED = {"case_key": pl.Int64, "begin_us": pl.Int64, "due_us": pl.Int64}


def log_of(chance: random.Random, *, cases: int = 600, decided_by: str = "vendor") -> dict[str, pl.DataFrame | int]:
    """Cases of a few events over 300 days. Their length in hours is decided by their vendor (10 to 90, by ±20 %), or is
    noise: then nothing tells how long a case still takes, as its events happen as often at any time until it ends. Each is
    due after 40 hours. The last ones are open.
    """
    events, reached, asked, vendors = [], [], [], []
    horizon = 300 * DAY
    for number in range(cases):
        key = chance.getrandbits(63) * chance.choice([1, -1])
        begin = int(number / cases * horizon)
        vendor = chance.randrange(5)
        hours = (10 + 20 * vendor) * chance.uniform(0.8, 1.2) if decided_by == "vendor" else chance.expovariate(1 / 50)
        end, due = begin + int(hours * HOUR) + 1, begin + 40 * HOUR
        vendors.append((key, f"vendor {vendor}"))
        if decided_by == "vendor":
            between = [int(chance.uniform(begin, end)) for _ in range(chance.randrange(3))]
        else:  # times between begin and end that knew the end would give it away
            gaps = (int(chance.expovariate(1 / 30) * HOUR) for _ in count())
            between = list(takewhile(lambda at, end=end: at < end, islice(accumulate(gaps, initial=begin), 1, None)))
        times = sorted([begin, *between, end])
        known = [at for at in times if at <= horizon]
        events += [(key, seq, chance.randrange(4), at) for seq, at in enumerate(known, 1)]
        if end <= horizon:
            reached.append((key, begin, due, end))
        else:
            asked.append((key, begin, due))
    names = {"case_key": pl.Int64, "event_seq": pl.Int64, "activity_key": pl.Int64, "occurred_us": pl.Int64}
    return {
        "events": pl.DataFrame(events, schema=names, orient="row").sort("case_key", "event_seq"),
        "reached": pl.DataFrame(reached, schema=ASKED | {"end_us": pl.Int64}, orient="row"),
        "asked": pl.DataFrame(asked, schema=ASKED, orient="row"),
        "attributes": pl.DataFrame(vendors, schema=["case_key", "vendor"], orient="row"),
        "horizon_us": horizon,
    }


def test_a_snapshot_is_what_plain_python_sees_of_the_events_until_then():
    chance = random.Random(3)
    log = log_of(chance, cases=80)
    log["events"] = log["events"].with_columns(pl.col("occurred_us") // (5 * HOUR) * (5 * HOUR))  # with ties
    events = log["events"].rows()
    of_case = {key: [row for row in events if row[0] == key] for key, *_ in events}
    moments = [
        (key, rows[0][3], chance.choice([None, rows[0][3] + DAY]), chance.randrange(rows[0][3], rows[-1][3] + DAY))
        for key, rows in of_case.items()
        for _ in range(3)
    ]
    moments += [(key, rows[0][3], None, row[3]) for key, rows in of_case.items() for row in rows]  # as an event happens
    at = pl.DataFrame(moments, schema=ASKED | {"at_us": pl.Int64}, orient="row").unique()
    expected = []
    for key, begin, due, moment in at.rows():
        seen = [row for row in of_case[key] if row[3] <= moment]
        clock = datetime.fromtimestamp(moment / 1e6, UTC)
        expected.append(
            {
                "case_key": key,
                "at_us": moment,
                "due_us": due,
                "last_activity": seen[-1][2],
                "event_count": len(seen),
                "activity_count": len({row[2] for row in seen}),
                "elapsed_us": moment - seen[0][3],
                "idle_us": moment - seen[-1][3],
                "asked_us": moment - begin,
                "left_us": None if due is None else due - moment,
                "weekday": clock.weekday(),
                "hour": clock.hour,
            }
        )
    found = snapshots_of(log["events"], at)
    order = ["case_key", "at_us", "due_us"]
    assert_frame_equal(
        found.sort(order), pl.DataFrame(expected, schema=found.columns).sort(order), check_dtypes=False, rel_tol=0
    )


def test_what_happens_later_changes_nothing_that_was_seen():
    log = log_of(random.Random(4), cases=100)
    moment = 150 * DAY
    cases = log["events"].filter(pl.col("occurred_us") <= moment).select("case_key").unique()
    at = cases.with_columns(begin_us=pl.lit(0), due_us=pl.lit(None, pl.Int64), at_us=pl.lit(moment))
    until_then = log["events"].filter(pl.col("occurred_us") <= moment)
    assert 0 < len(until_then) < len(log["events"])
    assert_frame_equal(snapshots_of(log["events"], at), snapshots_of(until_then, at))


def by_hand(log: dict) -> tuple[dict[str, float], list[tuple], list[tuple]]:
    """(figures, (case_key, remaining, low, high, late_probability) of the cases asked about, snapshots that test): the whole
    way again in plain Python; only the trees are scikit-learn's.
    """
    vendors = dict(log["attributes"].rows())
    of_case: dict[int, list[tuple]] = {}
    for key, _, activity, at in log["events"].rows():
        of_case.setdefault(key, []).append((at, activity))
    cases = [row for row in log["reached"].rows() if row[3] > row[1]]
    spans = sorted(end - begin for _, begin, _, end in cases)
    longest = spans[math.ceil(0.9 * (len(spans) - 1))]
    cases = sorted((row for row in cases if row[1] <= log["horizon_us"] - longest), key=lambda row: (row[1], row[0]))
    cases = cases[-MOST_CASES:]
    spans = sorted(end - begin for _, begin, _, end in cases)
    usual = mean(min(span, spans[math.ceil(0.9 * (len(spans) - 1))]) for span in spans)
    assert DAY // 7 < usual / SNAPSHOTS < DAY, "moments lie less than a day apart"
    grid = range(log["horizon_us"], 0, -int(usual / SNAPSHOTS))
    cases = [row for row in cases if any(row[1] <= at < row[3] for at in grid)]
    oldest = sorted(end - begin for _, begin, _, end in cases)
    oldest = oldest[math.ceil(0.99 * (len(oldest) - 1))]
    edges = [0, int(len(cases) * 0.6), int(len(cases) * (0.6 + 0.2)), len(cases)]

    def seen(key: int, begin: int, due: int, at: int) -> list:
        before = [event for event in of_case[key] if event[0] <= at]
        clock = datetime.fromtimestamp(at / 1e6, UTC)
        times = [at - before[0][0], at - before[-1][0], at - begin, due - at]
        return [
            before[-1][1],
            len(before),
            len({name for _, name in before}),
            *times,
            clock.weekday(),
            clock.hour,
            vendors[key],
        ]

    parts = []
    for first, last in pairwise(edges):
        rows = []
        for key, begin, due, end in sorted(cases[first:last]):
            for at in [at for at in reversed(grid) if begin <= at < end][:MOST_SNAPSHOTS]:
                rows.append((key, seen(key, begin, due, at), (end - at) / 1e6))
        parts.append(rows)
    train, calibrate, test = parts
    categories = {0: None, 9: None}
    for column in categories:
        counts = Counter(str(row[column]) for _, row, _ in train)
        categories[column] = [name for name, _ in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]

    def matrix(rows: list[list]) -> np.ndarray:
        return np.array(
            [
                [float(categories[c].index(str(v))) if c in categories else float(v) for c, v in enumerate(row)]
                for row in rows
            ]
        )

    options = {"max_iter": 40, "learning_rate": 0.1, "max_leaf_nodes": 15, "min_samples_leaf": 20}
    model = HistGradientBoostingRegressor(
        loss="absolute_error",
        early_stopping=False,
        random_state=0,
        categorical_features=[c in categories for c in range(10)],
        **options,
    )
    with threadpool_limits(1):
        model.fit(matrix([row for _, row, _ in train]), np.array([math.log1p(left) for *_, left in train]))
        errors = sorted(
            math.log1p(left) - center
            for (_, _, left), center in zip(calibrate, model.predict(matrix([r for _, r, _ in calibrate])), strict=True)
        )
        centers = model.predict(matrix([row for _, row, _ in test]))
        asked = sorted(row for row in log["asked"].rows() if row[1] >= log["horizon_us"] - oldest)
        asked_rows = [seen(key, begin, due, log["horizon_us"]) for key, begin, due in asked]
        asked_centers = model.predict(matrix(asked_rows))
    low = errors[max(math.floor((len(errors) + 1) * 0.1), 1) - 1]
    high = errors[min(math.ceil((len(errors) + 1) * 0.9), len(errors)) - 1]

    def late(center: float, seconds: float) -> float:
        return (len(errors) - bisect_right(errors, math.log1p(seconds) - center) + 0.5) / (len(errors) + 1)

    def typical(rows: list[tuple], value, of) -> dict:
        groups: dict[int, list[float]] = {}
        for row in rows:
            groups.setdefault(row[1][0], []).append(value(row))
        every = of([value(row) for row in rows])
        return {name: of(found) if len(found) >= 10 else every for name, found in groups.items()}

    usual = typical(train, lambda row: row[2], median)
    in_time = [row for row in train if row[1][6] >= 0]
    usually_late = typical(in_time, lambda row: float(row[2] > row[1][6] / 1e6), mean)
    absolute = [abs(max(math.expm1(c), 0) - left) for (*_, left), c in zip(test, centers, strict=True)]
    baseline = [abs(usual[row[0]] - left) for _, row, left in test]
    at_risk = [(key, row, left, c) for (key, row, left), c in zip(test, centers, strict=True) if row[6] >= 0]
    brier = [(late(c, row[6] / 1e6) - (left > row[6] / 1e6)) ** 2 for _, row, left, c in at_risk]
    base_brier = [(usually_late[row[0]] - (left > row[6] / 1e6)) ** 2 for _, row, left, _ in at_risk]

    def gain_low(keys: list[int], better: list[float], worse: list[float]) -> float:
        groups: dict[int, list[float]] = {}
        for key, a, b in zip(keys, better, worse, strict=True):
            groups.setdefault(key, []).append(b - a)
        gains = [mean(found) for found in groups.values()]
        return mean(gains) - 2.3263478740408408 * stdev(gains) / math.sqrt(len(gains))

    def ends(center: float) -> tuple[float, float]:
        return max(math.expm1(center + low), 0), max(math.expm1(center + high), 0)

    figures = {
        "model_error": mean(absolute),
        "baseline_error": mean(baseline),
        "gain_low": gain_low([key for key, *_ in test], absolute, baseline),
        "coverage": mean(low <= left <= high for (*_, left), (low, high) in zip(test, map(ends, centers), strict=True)),
        "model_brier": mean(brier),
        "baseline_brier": mean(base_brier),
        "brier_gain_low": gain_low([key for key, *_ in at_risk], brier, base_brier),
    }
    rows = [
        (key, math.expm1(c), *ends(c), 1.0 if row[6] < 0 else late(c, row[6] / 1e6))
        for (key, *_), row, c in zip(asked, asked_rows, asked_centers, strict=True)
    ]
    return figures, rows, test


@pytest.mark.parametrize("seed", [1, 2])
def test_plain_python_comes_to_the_same_figures(seed):
    log = log_of(random.Random(seed))
    found = predict(**log)
    figures, rows, _ = by_hand(log)
    told = {name: getattr(found.skill, name) for name in ("model_error", "baseline_error", "gain_low", "coverage")}
    told |= {name: getattr(found.risk, name) for name in ("model_brier", "baseline_brier")}
    told["brier_gain_low"] = found.risk.gain_low
    assert told == pytest.approx(figures, rel=1e-9)
    assert found.skill.is_told and found.risk.is_told and 0 < len(rows) <= len(log["asked"])
    columns = ["case_key", "remaining_seconds", "low_seconds", "high_seconds", "late_probability"]
    for got, expected in zip(found.rows.select(columns).rows(), rows, strict=True):
        assert got == pytest.approx(expected, rel=1e-9)


def test_a_rule_is_learnt_nearly_as_well_as_by_who_knows_it():
    log = log_of(random.Random(7), cases=2000)
    skill, (*_, test) = predict(**log).skill, by_hand(log)
    errors = []
    for _, row, left in test:
        hours, elapsed = 10 + 20 * int(row[-1].removeprefix("vendor ")), row[5] / HOUR
        best = (max(hours * 0.8, elapsed) + hours * 1.2) / 2 - elapsed  # the median of what is still possible
        errors.append(abs(best * 3600 - left))
    assert skill.model_error == pytest.approx(mean(errors), rel=0.2)
    assert skill.baseline_error > 3 * skill.model_error


def test_noise_is_not_told():
    told = [predict(**log_of(random.Random(seed), decided_by="noise")) for seed in range(20)]
    assert all(one.skill is not None for one in told)
    told_count = sum(one.rows is not None for one in told)
    print(f"{told_count} of 20 told")
    assert told_count <= 2  # at 1 % each, more are chance in 1 of 1,000 such runs; the seeds are fixed


def test_late_probabilities_are_frequencies():
    """Expected calibration error (Naeini et al. 2015): the mean distance between probability and frequency."""
    for seed in range(3):
        found = predict(**log_of(random.Random(seed), cases=2000))
        bins = found.calibration.filter(pl.col("kind") == "risk")
        distance = (bins["predicted_share"] - bins["observed_share"]).abs() * bins["snapshot_count"]
        assert bins["snapshot_count"].sum() > 300
        assert distance.sum() / bins["snapshot_count"].sum() < 0.07, bins
        assert found.risk.model_brier < found.risk.baseline_brier / 2


def as_of_a_day(cases: dict[str, list[tuple]], cut: int) -> tuple[dict, dict[int, int | None]]:
    """(what the log of the day tells, open case -> when it really ended; None: not until the end of what is known)."""
    known = {case: [event for event in events if event[0] <= cut] for case, events in cases.items()}
    known = {case: events for case, events in known.items() if events}
    by_case, events, _ = as_log(known, CLOSING[P2P])
    by_case = by_case.with_columns(due_us=pl.lit(None, pl.Int64)).rename(
        {"started_us": "begin_us", "ended_us": "end_us"}
    )
    keys = dict(enumerate(known))
    ends = {}
    for (key,) in by_case.filter("is_open").select("case_key").rows():
        later = cases[keys[key]]
        is_closed = any(name in CLOSING[P2P] for _, name in later)
        ends[key] = later[-1][0] * 1_000_000 if is_closed else None
    log = {
        "events": events.sort("case_key", "event_seq"),
        "reached": by_case.filter(~pl.col("is_open")),
        "asked": by_case.filter("is_open"),
        "attributes": None,
        "horizon_us": cut * 1_000_000,
    }
    return log, ends


def test_what_was_open_in_may_ends_in_its_interval():
    cut = int(datetime(2025, 5, 12, tzinfo=UTC).timestamp())
    seen, companies = Counter(), 0
    for seed in (1, 2, 3):
        log, ends = as_of_a_day(truth(seed, cases=1500)[P2P], cut)
        found = predict(**log)
        assert 0.7 <= found.skill.coverage <= 0.9
        if found.rows is None:
            continue
        companies += 1
        for key, low, high in found.rows.select("case_key", "low_seconds", "high_seconds").rows():
            low_us, high_us = (log["horizon_us"] + seconds * 1e6 for seconds in (low, high))
            seen["never" if ends[key] is None else "held" if low_us <= ends[key] <= high_us else "missed"] += 1
    print(f"{dict(seen)} in {companies} companies")
    assert companies >= 2 and seen["held"] + seen["missed"] > 200
    assert 0.7 <= seen["held"] / (seen["held"] + seen["missed"]) <= 0.9


def test_too_few_cases_teach_nothing():
    found = predict(**log_of(random.Random(1), cases=FEWEST_CASES))
    assert 0 < found.case_count < FEWEST_CASES
    assert found == Prediction(found.case_count), "no rows, no skill"


def test_who_is_asked_about_changes_nothing_that_was_learnt():
    log = log_of(random.Random(1))
    found = predict(**log)
    oldest = int((log["reached"]["end_us"] - log["reached"]["begin_us"]).max())
    dormant = log["asked"].with_columns(begin_us=pl.lit(log["horizon_us"] - oldest - 1, pl.Int64))
    for asked, rows in (
        (log["asked"].clear(), found.rows.clear()),
        (dormant, found.rows.clear()),
        (log["asked"].sort("case_key").head(1), found.rows.head(1)),
    ):
        told = predict(**log | {"asked": asked})
        assert (told.skill, told.risk) == (found.skill, found.risk) and told.skill.is_told
        assert_frame_equal(told.rows, rows, check_exact=True)
        assert_frame_equal(told.calibration, found.calibration, check_exact=True)


def test_an_infinite_number_is_not_known():
    log = log_of(random.Random(1))
    amounts = [math.inf, -math.inf, math.nan, None, 1.0, 2.0] * len(log["attributes"])
    log["attributes"] = log["attributes"].with_columns(amount=pl.Series(amounts[: len(log["attributes"])]))
    assert predict(**log).skill.is_told


def test_all_alike_is_predicted_without_a_model():
    """Cases of one microsecond: nothing tells them apart."""
    keys = range(1, 401)
    reached = pl.DataFrame({"case_key": keys}, schema={"case_key": pl.Int64}).with_columns(
        begin_us=pl.lit(0, pl.Int64), due_us=pl.lit(None, pl.Int64), end_us=pl.lit(1, pl.Int64)
    )
    events = pl.DataFrame({"case_key": keys}).with_columns(event_seq=1, activity_key=1, occurred_us=0)
    found = predict(events, reached, reached.clear().drop("end_us"), None, horizon_us=DAY)
    assert found.rows is None and found.skill.gain_low <= 0


CHILD = """
import random, sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
import polars as pl
from mining_tasks.prediction import predict
from tests.mining_tasks.test_prediction import log_of
log = log_of(random.Random(11))
for name in ("reached", "asked", "attributes"):
    log[name] = log[name].sample(fraction=1, shuffle=True, seed=int(sys.argv[1]))
with ThreadPoolExecutor(2) as threads:  # as mining predicts one target beside another
    for found in threads.map(lambda _: predict(**log), range(int(sys.argv[1]))):
        told = (found.rows.rows(), found.skill, found.risk, found.calibration.rows())
        print(sha256(repr(told).encode()).hexdigest())
"""


def test_row_order_threads_others_beside_and_hash_seeds_change_no_bit():
    digests = set()
    for number in (1, 2, 4):
        environment = os.environ | {
            "OMP_NUM_THREADS": str(number),
            "POLARS_MAX_THREADS": str(number),
            "PYTHONHASHSEED": str(number),
        }
        run = subprocess.run(
            [sys.executable, "-c", CHILD, str(number)],
            env=environment,
            cwd=Path(__file__).resolve().parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        digests.update(run.stdout.split())
        assert run.stdout.count("\n") == number
    assert len(digests) == 1 and len(digests.pop()) == 64
