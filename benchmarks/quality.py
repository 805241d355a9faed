"""How well the imperfection patterns are found: the tables of docs/patterns.md.

`PYTHONPATH=. python benchmarks/quality.py [seeds] [cases]`.
Each pattern is planted into clean logs of every shape, with seeds that neither the tests nor any choice of a threshold
has seen; a server of its own is started and removed.
"""

import argparse
import tempfile
import time
from pathlib import Path

from sluice.settings import Settings
from sluice.warehouse import embedded, migrate
from tests.expectations.planting.measure import (
    PATTERNS,
    SUGGESTED,
    base_log,
    look,
    look_at_labels,
    measure,
    measure_suggestions,
)
from tests.expectations.planting.simulation import SHAPES

FIRST_SEED = 7_001
SHARES = (0.01, 0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", nargs="?", type=int, default=3, help="logs of each shape (default 3)")
    parser.add_argument("cases", nargs="?", type=int, default=1_000, help="cases of each log (default 1000)")
    given = parser.parse_args()
    seed_count, cases = given.seeds, given.cases
    seeds = range(FIRST_SEED, FIRST_SEED + seed_count)
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home))
        embedded.start(settings)
        try:
            url = embedded.url(settings, "postgres")
            migrate(url)
            began = time.perf_counter()
            print(f"{len(SHAPES) * seed_count} logs of {cases} cases per line, seeds {seeds[0]} to {seeds[-1]}\n")
            _found(url, seeds, cases)
            _suggested(url, seeds, cases)
            _clean(url, seeds, cases)
            print(f"\n{time.perf_counter() - began:.0f} s")
        finally:
            embedded.stop(settings)


def _found(url: str, seeds: range, cases: int) -> None:
    print("| pattern | share | planted | found | precision | recall |\n|---|---|---|---|---|---|")
    for name in PATTERNS:
        for share in SHARES:
            one = measure(url, name, share, seeds, cases=cases)
            print(
                f"| {name.replace('_', ' ')} | {share:.0%} | {one.planted} | {one.found} "
                f"| {one.precision:.3f} | {one.recall:.3f} |",
                flush=True,
            )


def _suggested(url: str, seeds: range, cases: int) -> None:
    print(
        "\n| suggested, nothing declared | share | logs with a suggestion | the first one is right | offered "
        "| right | planted | of them offered |\n|---|---|---|---|---|---|---|---|"
    )
    for name in SUGGESTED:
        for share in SHARES:
            one = measure_suggestions(url, name, share, seeds, cases=cases)
            print(
                f"| {name.replace('_', ' ')} | {share:.0%} | {one.logs_with_any} of {one.logs} "
                f"| {one.first / max(1, one.logs_with_any):.2f} | {one.offered} | {one.right / max(1, one.offered):.2f} "
                f"| {one.planted} | {one.found / max(1, one.planted):.2f} |",
                flush=True,
            )


def _clean(url: str, seeds: range, cases: int) -> None:
    findings = suggestions = 0
    for shape in SHAPES:
        for seed in seeds:
            log = base_log(shape, cases=cases, seed=seed)
            known = {"patterns": {"mandatory_order": [list(chain) for chain in log.order]}}
            labels, offered = look_at_labels(url, log, known)
            findings += sum(map(len, look(url, log, known).values())) + sum(map(len, labels.values()))
            suggestions += sum(map(len, offered.values()))
    print(f"\nclean logs: {findings} findings, {suggestions} suggestions in {len(SHAPES) * len(seeds)} logs")


if __name__ == "__main__":
    main()
