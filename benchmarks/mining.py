"""Times mining on a made-up log: `python benchmarks/mining.py [events]` prints seconds per result, the frame being
in memory.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import polars as pl

from mining_tasks.activity_kpis import measure_activities
from mining_tasks.case_kpis import measure_cases
from mining_tasks.dfg import discover_dfg
from mining_tasks.rework import measure_rework
from mining_tasks.variants import discover_variants

EVENTS_PER_CASE = 10


def made_up_log(event_count: int, *, activity_count: int = 25, seed: int = 1) -> pl.DataFrame:
    """Cases of ten events each, activities by a skewed chance, gaps of seconds to weeks; sorted."""
    chance = np.random.default_rng(seed)
    count = event_count // EVENTS_PER_CASE * EVENTS_PER_CASE
    cases = np.sort(chance.integers(-(2**62), 2**62, count // EVENTS_PER_CASE))
    gaps = (chance.lognormal(9, 3, count) * 1_000_000).astype(np.int64)
    return pl.DataFrame(
        {
            "case_key": np.repeat(cases, EVENTS_PER_CASE),
            "event_seq": np.tile(np.arange(1, EVENTS_PER_CASE + 1, dtype=np.int32), count // EVENTS_PER_CASE),
            "activity_key": np.minimum(chance.geometric(0.2, count), activity_count).astype(np.int32),
            "occurred_us": gaps.reshape(-1, EVENTS_PER_CASE).cumsum(axis=1).ravel(),
            "started_us": pl.Series([None] * count, dtype=pl.Int64),
            "resource_key": chance.integers(1, 500, count),
        }
    )


def main() -> None:
    log = made_up_log(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    names = {key: f"activity {key}" for key in log["activity_key"].unique().to_list()}
    tasks: dict[str, Callable] = {
        "dfg": lambda: discover_dfg(log),
        "variants": lambda: discover_variants(log, names=names),
        "case_kpis": lambda: measure_cases(log),
        "activity_kpis": lambda: measure_activities(log),
        "rework": lambda: measure_rework(log),
    }
    print(f"{len(log):,} events, {len(log) // EVENTS_PER_CASE:,} cases")
    for name, task in tasks.items():
        began = time.perf_counter()
        task()
        print(f"{name:14} {time.perf_counter() - began:6.2f} s")


if __name__ == "__main__":
    main()
