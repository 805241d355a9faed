"""Prediction: how long open cases still take, and whether they will be late; a model that must beat a plain baseline on
later cases, or what it says is not told.

Learnt from are cases as they were at earlier moments: snapshots, of which nothing later than the moment is known (Teinemaa
et al. 2019; Verenich et al. 2019). All that were open at a moment are taken, as all that are open now are asked about: so
long cases are as frequent as they are among open ones (length-biased sampling, Cox 1969), not as among closed ones.
Cases are split by when they began, as a model is used on cases that it has not seen: the earliest train, later ones
calibrate, the latest test. The model is the median of the logarithm of the remaining time by histogram gradient boosting
(scikit-learn; Ke et al. 2017). Around it lie the errors of the cases that calibrate: their quantiles are the interval
(split conformal prediction, Lei et al. 2018), and the share of them that would go beyond a due date is the risk of being
late (conformal predictive distribution, Vovk et al. 2019).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

COVERAGE = 0.8  # of the interval
LEVELS = (0.5, 0.8, 0.9)  # of the intervals whose coverage is measured
RISK_BINS = 10
FEWEST_CASES = 200  # that reached what is predicted, begun early enough to be known
FEWEST_AT_RISK = 50  # cases that test a risk
FEWEST_ALIKE = 10  # snapshots that tell what is typical after an activity
SNAPSHOTS = 3  # of a case, on average
MOST_SNAPSHOTS = 30  # of one case, the earliest
MOST_CASES = 3_000  # to learn from: the latest ones
TRAIN, CALIBRATE = 0.6, 0.2  # parts of the cases, by when they began; the rest tests
OLDEST = 0.99  # part of the known cases that take less: of older ones nothing is said
KNOWN = 0.9  # part of the cases that take less: cases are looked at that began so long ago
_Z99 = 2.3263478740408408  # of a one-sided interval of 99 %
_CATEGORIES = 254  # that a histogram holds
_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Gain:
    """gain_low: lower end of the one-sided 99 % interval of the baseline's error less the model's, over cases that test."""

    gain_low: float

    @property
    def is_told(self) -> bool:
        """Whether the model is better than the baseline beyond what chance would do."""
        return self.gain_low > 0


@dataclass(frozen=True)
class Skill(Gain):
    """How well the cases that test were predicted.

    Errors are means of absolute errors in seconds. coverage: share of the snapshots whose remaining time lay in the
    interval that is meant to hold `COVERAGE` of them.
    """

    train_case_count: int
    calibrate_case_count: int
    test_case_count: int
    test_snapshot_count: int
    model_error: float
    baseline_error: float
    coverage: float


@dataclass(frozen=True)
class RiskSkill(Gain):
    """How well it was predicted who would be late: Brier scores (means of squared errors of the probability) of the model
    and of the baseline, of the snapshots of `case_count` cases that were not late yet.
    """

    case_count: int
    late_share: float
    model_brier: float
    baseline_brier: float


@dataclass(frozen=True)
class Prediction:
    """rows: `case_key`, `remaining_seconds`, `low_seconds`, `high_seconds`, `due_us`, `late_probability` of the cases asked
    about, sorted, but for those that are older than `OLDEST` of the known ones became; None where the model is not better
    than the baseline. late_probability is null where nothing is due or the risk is not told. case_count: of the known cases.
    skill: None where these are too few. risk: None where nothing is due or too few cases test it. calibration: `kind`
    (`interval`, `risk`), `rank`, `predicted_share`, `observed_share`, `snapshot_count`, over the cases that test.
    """

    case_count: int
    rows: pl.DataFrame | None = None
    skill: Skill | None = None
    risk: RiskSkill | None = None
    calibration: pl.DataFrame | None = None


def predict(
    events: pl.DataFrame,
    reached: pl.DataFrame,
    asked: pl.DataFrame,
    attributes: pl.DataFrame | None,
    *,
    horizon_us: int,
) -> Prediction:
    """When the cases `asked` (`case_key`, `begin_us`, `due_us`) will reach what the cases `reached` did.

    events: `case_key`, `event_seq`, `activity_key`, `occurred_us`. reached: `case_key`, `begin_us` (from then on it can be
    predicted), `end_us` (then it was reached), `due_us` (null: nothing was due); none of them is asked about. attributes:
    `case_key` and what is known of a case from its beginning. horizon_us: now. Nothing is random, and one thread computes.
    """
    known = _known(reached, horizon_us)
    if len(known) < FEWEST_CASES:
        return Prediction(len(known))
    moments = moments_of(known, horizon_us)
    known = known.join(moments.select("case_key"), on="case_key", how="semi", maintain_order="left")
    if len(known) < FEWEST_CASES:
        return Prediction(len(known))
    edges = [0, int(len(known) * TRAIN), int(len(known) * (TRAIN + CALIBRATE)), len(known)]
    oldest = (known["end_us"] - known["begin_us"]).quantile(OLDEST, "higher")
    asked = asked.filter(pl.col("begin_us") >= horizon_us - int(oldest))
    cases = [known[begin:end].join(moments, on="case_key") for begin, end in pairwise(edges)]
    cases.append(asked.with_columns(at_us=pl.lit(horizon_us, pl.Int64)))
    train, calibrate, test, now = _parts(events, cases, attributes)
    calibrate_centers, centers, now_centers = _centers(train, (calibrate, test, now))
    model = _Model.calibrated(calibrate, calibrate_centers)
    errors = np.abs(np.maximum(np.expm1(centers), 0.0) - test.remaining)
    baseline_errors = np.abs(_typical(train, train.remaining, "median")(test.snapshots) - test.remaining)
    skill = Skill(
        train_case_count=edges[1],
        calibrate_case_count=edges[2] - edges[1],
        test_case_count=edges[3] - edges[2],
        test_snapshot_count=len(test.snapshots),
        model_error=float(errors.mean()),
        baseline_error=float(baseline_errors.mean()),
        gain_low=_gain_low(test.snapshots, baseline_errors - errors),
        coverage=model.coverage(test, centers, COVERAGE),
    )
    risk, risks = _risk(model, train, test, centers)
    calibration = _calibration(model, test, centers, risks)
    if not skill.is_told:
        return Prediction(len(known), None, skill, risk, calibration)
    is_risk_told = risk is not None and risk.is_told
    return Prediction(len(known), _rows(model, now, now_centers, is_risk_told=is_risk_told), skill, risk, calibration)


def snapshots_of(events: pl.DataFrame, at: pl.DataFrame, attributes: pl.DataFrame | None = None) -> pl.DataFrame:
    """Cases as they were: a row per row of `at` (`case_key`, `at_us`, `begin_us`, `due_us`), sorted by the first two, with
    `last_activity`, `event_count`, `activity_count` (different ones), `elapsed_us` (since the first event), `idle_us`
    (since the last one), `asked_us` (since begin_us), `left_us` (until due_us), `weekday` (0: Monday), `hour` (both UTC),
    and the attributes. Events later than `at_us` are not known yet.
    """
    case, at_us = "case_key", pl.col("at_us")
    events = events.join(at.select(case), on=case, how="semi").sort(case, "event_seq")
    seen = events.with_columns(  # of the whole log, where counting goes on from case to case: it is quicker than in each case
        _event=pl.int_range(pl.len()),
        _activity=pl.struct(case, "activity_key").is_first_distinct().cast(pl.Int64).cum_sum(),
    ).select(
        case,
        "activity_key",
        event_count=pl.col("_event") - pl.col("_event").min().over(case) + 1,
        activity_count=pl.col("_activity") - pl.col("_activity").min().over(case) + 1,
        started_us=pl.col("occurred_us").min().over(case),
        known_us=pl.col("occurred_us").cum_max().over(case),
    )
    found = at.sort(case, "at_us").join_asof(  # within each case both are in the order of time
        seen, left_on="at_us", right_on="known_us", by=case, strategy="backward", check_sortedness=False
    )
    found = found.select(
        case,
        "at_us",
        "due_us",
        last_activity="activity_key",
        event_count="event_count",
        activity_count="activity_count",
        elapsed_us=at_us - pl.col("started_us"),
        idle_us=at_us - pl.col("known_us"),
        asked_us=at_us - pl.col("begin_us"),
        left_us=pl.col("due_us") - at_us,
        weekday=(at_us // 86_400_000_000 + 3) % 7,
        hour=at_us // 3_600_000_000 % 24,
    )
    if attributes is not None:
        found = found.join(attributes, on=case, how="left")
    return found.sort(case, "at_us")


def moments_of(known: pl.DataFrame, horizon_us: int) -> pl.DataFrame:
    """`case_key`, `at_us`: the earlier moments at which each case (`case_key`, `begin_us`, `end_us`) was under way.

    The moments lie the same time apart, back from horizon_us: whole days where cases take days, and then not whole weeks, so
    that they have the hour of now and all days of the week.
    """
    span = pl.col("end_us") - pl.col("begin_us")
    usual = known.select(span.clip(upper_bound=span.quantile(KNOWN, "higher")).mean()).item()
    apart = max(int(usual / SNAPSHOTS), 1)
    if apart >= _DAY_US:
        days = apart // _DAY_US
        apart = (days - (days % 7 == 0)) * _DAY_US
    first = (horizon_us - pl.col("begin_us")) // apart
    last = pl.max_horizontal((horizon_us - pl.col("end_us")) // apart + 1, first - (MOST_SNAPSHOTS - 1))
    numbered = known.select("case_key", number=pl.int_ranges(last, pl.max_horizontal(first + 1, last)))
    return numbered.explode("number").drop_nulls().select("case_key", at_us=horizon_us - pl.col("number") * apart)


def _known(reached: pl.DataFrame, horizon_us: int) -> pl.DataFrame:
    """Those of the cases that began so long ago that nearly all like them reached it: later ones are the quick ones."""
    reached = reached.filter(pl.col("end_us") > pl.col("begin_us"))
    if len(reached) < FEWEST_CASES:
        return reached
    longest = (reached["end_us"] - reached["begin_us"]).quantile(KNOWN, "higher")
    known = reached.filter(pl.col("begin_us") <= horizon_us - int(longest))
    return known.sort("begin_us", "case_key").tail(MOST_CASES)


@dataclass(frozen=True)
class _Part:
    """Snapshots of cases, and the seconds that remained at each; NaN where that is not known yet."""

    snapshots: pl.DataFrame
    remaining: np.ndarray


def _parts(events: pl.DataFrame, cases: Sequence[pl.DataFrame], attributes: pl.DataFrame | None) -> list[_Part]:
    """A part of each of `cases` (`at` as `snapshots_of` takes it, and `end_us` where it is known), none of whose cases is in
    another: all are looked at together, as each look goes through all events."""
    at = pl.concat([rows.with_columns(part=number) for number, rows in enumerate(cases)], how="diagonal")
    of_case = at.group_by("case_key").agg(pl.col("part", "end_us").first())
    found = snapshots_of(events, at, attributes).join(of_case, on="case_key", maintain_order="left")
    remaining = (found["end_us"] - found["at_us"]).cast(pl.Float64) / 1e6
    found = found.with_columns(remaining=remaining)
    parts = (found.filter(pl.col("part") == number) for number in range(len(cases)))
    return [_Part(part.drop("part", "end_us", "remaining"), part["remaining"].to_numpy()) for part in parts]


def _centers(train: _Part, others: Sequence[_Part]) -> list[np.ndarray]:
    """Per snapshot of the others the median of the logarithm of one plus the remaining seconds, as the training ones tell
    it. All are asked about together, as each question goes through the trees one by one."""
    encode, is_category = _encoder(train.snapshots)
    matrix = encode(pl.concat([part.snapshots for part in (train, *others)]))
    of_train, of_others = np.split(matrix, [len(train.snapshots)])
    centers = _boosted(of_train, np.log1p(train.remaining), is_category, of_others)
    return np.split(centers, np.cumsum([len(part.snapshots) for part in others])[:-1])


@dataclass(frozen=True)
class _Model:
    """errors: by how much the logarithm of one plus the remaining seconds was larger than its predicted median (a center),
    at the snapshots that calibrate, sorted.
    """

    errors: np.ndarray

    @classmethod
    def calibrated(cls, part: _Part, centers: np.ndarray) -> "_Model":
        return cls(np.sort(np.log1p(part.remaining) - centers))

    def interval(self, centers: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
        """(low, high) of the remaining seconds that hold one more case with probability `level`."""
        low, high = (self._quantile(share) for share in ((1 - level) / 2, (1 + level) / 2))
        return tuple(np.maximum(np.expm1(centers + error), 0.0) for error in (low, high))

    def coverage(self, part: _Part, centers: np.ndarray, level: float) -> float:
        low, high = self.interval(centers, level)
        return float(((part.remaining >= low) & (part.remaining <= high)).mean())

    def beyond(self, centers: np.ndarray, seconds: np.ndarray) -> np.ndarray:
        """Probability that more than so many (>= 0) seconds remain."""
        fewer = np.searchsorted(self.errors, np.log1p(seconds) - centers, side="right")
        return (len(self.errors) - fewer + 0.5) / (len(self.errors) + 1)

    def _quantile(self, share: float) -> float:
        """The quantile of the errors that holds for one more of them: at place (n + 1) share, to the outside."""
        place = (len(self.errors) + 1) * share
        number = math.ceil(place) if share > 0.5 else math.floor(place)
        return float(self.errors[min(max(number, 1), len(self.errors)) - 1])


def _encoder(train: pl.DataFrame) -> tuple[Callable[[pl.DataFrame], np.ndarray], list[bool]]:
    """(snapshots -> matrix, which of its columns are categories): numbers as they are, categories as the places of their
    values in the training snapshots, the most frequent first.
    """
    named = [name for name in train.columns if name not in ("case_key", "at_us", "due_us")]
    names = [name for name in named if train[name].drop_nulls().n_unique() > 1]  # what never varies tells nothing
    values: dict[str, list[str]] = {}
    for name in names:
        if name == "last_activity" or not train[name].dtype.is_numeric():
            counts = train[name].cast(pl.String).drop_nulls().value_counts()
            values[name] = counts.sort(["count", name], descending=[True, False])[name].head(_CATEGORIES).to_list()

    def encode(frame: pl.DataFrame) -> np.ndarray:
        columns = []
        for name in names:
            if name in values:
                codes = range(len(values[name]))
                column = frame[name].cast(pl.String)
                columns.append(column.replace_strict(values[name], codes, default=None, return_dtype=pl.Float64))
            else:
                number = frame[name].cast(pl.Float64)
                columns.append(number.set(~number.is_finite(), None))  # what is infinite is not known
        return np.column_stack([column.to_numpy() for column in columns]) if columns else np.zeros((len(frame), 0))

    return encode, [name in values for name in names]


def _boosted(matrix: np.ndarray, value: np.ndarray, is_category: list[bool], asked: np.ndarray) -> np.ndarray:
    """The median of the value at the rows asked about, as the rows of the matrix, where it is known, tell it."""
    if not is_category:  # all snapshots are alike
        return np.full(len(asked), np.median(value))
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingRegressor(
        loss="absolute_error",
        max_iter=40,
        learning_rate=0.1,
        max_leaf_nodes=15,
        min_samples_leaf=20,
        early_stopping=False,
        categorical_features=is_category,
        random_state=0,
    )
    with threadpool_limits(1):  # sums of several threads differ from run to run
        return model.fit(matrix, value).predict(asked)


def rehearse() -> None:
    """Learn from made-up numbers: what the first fit of a process looks up is known afterwards, to its forks as well. It
    leaves no thread behind.
    """
    numbers = np.arange(200.0)
    _boosted(np.column_stack([numbers, numbers % 3]), numbers, [False, True], np.zeros((1, 2)))


def _typical(train: _Part, value: np.ndarray, statistic: str) -> Callable[[pl.DataFrame], np.ndarray]:
    """The baseline: `median` or `mean` (statistic) of the training snapshots with the same last activity; of all, where
    fewer than `FEWEST_ALIKE` have it.
    """
    everywhere = float(getattr(np, statistic)(value))
    by_activity = (
        train.snapshots.select("last_activity", value=pl.Series(value))
        .group_by("last_activity")
        .agg(getattr(pl.col("value"), statistic)(), pl.len())
        .filter(pl.col("len") >= FEWEST_ALIKE)
    )
    return lambda frame: (
        frame.select("last_activity")
        .join(by_activity, on="last_activity", how="left", maintain_order="left")["value"]
        .fill_null(everywhere)
        .to_numpy()
    )


def _gain_low(snapshots: pl.DataFrame, gains: np.ndarray) -> float:
    """Lower end of the one-sided 99 % interval of the mean gain; the snapshots of a case count as one."""
    by_case = snapshots.select("case_key").with_columns(gain=pl.Series(gains))
    means = by_case.group_by("case_key", maintain_order=True).agg(pl.col("gain").mean())["gain"].to_numpy()
    return float(means.mean() - _Z99 * means.std(ddof=1) / math.sqrt(len(means)))


def _at_risk(part: _Part) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(which snapshots are of cases that something is due of and that are not late yet, seconds left, who was late)."""
    left = (part.snapshots["left_us"].cast(pl.Float64) / 1e6).fill_null(-1.0).to_numpy()
    return left >= 0, left, part.remaining > left


def _risk(
    model: _Model, train: _Part, test: _Part, centers: np.ndarray
) -> tuple[RiskSkill | None, tuple[np.ndarray, np.ndarray] | None]:
    """(how good the risk is, (probability, who was late) of the snapshots that test it)."""
    rows, left, late = _at_risk(test)
    trained, _, train_late = _at_risk(train)
    cases = test.snapshots.filter(pl.Series(rows))
    if cases["case_key"].n_unique() < FEWEST_AT_RISK or not trained.any():
        return None, None
    late, risks = late[rows], model.beyond(centers[rows], left[rows])
    part = _Part(train.snapshots.filter(pl.Series(trained)), train.remaining[trained])
    baseline = _typical(part, train_late[trained].astype(float), "mean")(cases)
    errors, baseline_errors = (risks - late) ** 2, (baseline - late) ** 2
    skill = RiskSkill(
        case_count=cases["case_key"].n_unique(),
        late_share=float(late.mean()),
        model_brier=float(errors.mean()),
        baseline_brier=float(baseline_errors.mean()),
        gain_low=_gain_low(cases, baseline_errors - errors),
    )
    return skill, (risks, late)


def _calibration(
    model: _Model, test: _Part, centers: np.ndarray, risks: tuple[np.ndarray, np.ndarray] | None
) -> pl.DataFrame:
    rows = [
        ("interval", rank, level, model.coverage(test, centers, level), len(centers))
        for rank, level in enumerate(LEVELS, 1)
    ]
    if risks is not None:
        risk, late = risks
        places = np.minimum((risk * RISK_BINS).astype(int), RISK_BINS - 1)
        for place in np.unique(places):
            of = places == place
            rows.append(("risk", int(place) + 1, float(risk[of].mean()), float(late[of].mean()), int(of.sum())))
    names = ("kind", "rank", "predicted_share", "observed_share", "snapshot_count")
    return pl.DataFrame(
        rows,
        schema=dict(zip(names, (pl.String, pl.Int64, pl.Float64, pl.Float64, pl.Int64), strict=True)),
        orient="row",
    )


def _rows(model: _Model, now: _Part, centers: np.ndarray, *, is_risk_told: bool) -> pl.DataFrame:
    remaining = np.maximum(np.expm1(centers), 0.0)
    low, high = model.interval(centers, COVERAGE)
    left = (now.snapshots["left_us"].cast(pl.Float64) / 1e6).to_numpy()
    with np.errstate(invalid="ignore"):
        risks = np.where(left < 0, 1.0, model.beyond(centers, np.maximum(left, 0.0)))
    told = pl.Series(risks) if is_risk_told else pl.lit(None, pl.Float64)
    return now.snapshots.select("case_key", "due_us").with_columns(
        remaining_seconds=pl.Series(remaining),
        low_seconds=pl.Series(np.minimum(low, remaining)),
        high_seconds=pl.Series(np.maximum(high, remaining)),
        late_probability=pl.when(pl.col("due_us").is_not_null()).then(told),
    )
