"""Alignments beside r4pm and pm4py: the most frequent variants of a log against its own inductive model.

`python benchmarks/alignments.py --log bpic2012.xes.gz --variants 500 --noise 0.2` discovers the model (inductive miner,
infrequent), lets each side align every variant with it, and compares the costs. A log is a file that `sluice import-log`
reads as XES; `--without pm4py` leaves a side out.
"""

import argparse
import platform
import sys
import time
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mining_tasks.alignments import align
from mining_tasks.alignments_automaton import automaton_of_tree
from mining_tasks.inductive import discover_tree
from mining_tasks.petri_net import net_of
from mining_tasks.process_tree import ProcessTree
from tests.mining_tasks.nets import as_r4pm
from tests.mining_tasks.public_logs import ACTIVITY, CASE, TIME
from tests.mining_tasks.trees import real_traces

SIDES = ("sluice", "r4pm", "pm4py")


def with_sluice(tree: ProcessTree, traces: Sequence[Sequence[str]]) -> list[int]:
    """The model's automaton made, and all at once."""
    return align(automaton_of_tree(tree), traces).cost.tolist()


def with_r4pm(tree: ProcessTree, traces: Sequence[Sequence[str]]) -> list[int]:
    """One by one: r4pm has no other way."""
    from r4pm.bindings.conformance.case_centric import alignments

    net = as_r4pm(net_of(tree))
    return [alignments.align_trace(net, list(trace))["cost"] for trace in traces]


def with_pm4py(tree: ProcessTree, traces: Sequence[Sequence[str]]) -> list[int]:
    """A log with one case per variant, against the same tree as a net."""
    import pm4py
    from pm4py.algo.conformance.alignments.petri_net import algorithm as alignments
    from pm4py.objects.process_tree.utils.generic import parse

    net, initial, final = pm4py.convert_to_petri_net(parse(tree.text))
    rows = [(f"{case:06}", name) for case, trace in enumerate(traces) for name in trace]
    log = pd.DataFrame(rows, columns=[CASE, ACTIVITY])
    log[TIME] = pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(range(len(log)), unit="s")
    found = alignments.apply(log, net, initial, final, parameters={"show_progress_bar": False})
    return [one["cost"] // 10_000 for one in found]


RUN = {"sluice": with_sluice, "r4pm": with_r4pm, "pm4py": with_pm4py}


def main() -> int:
    """Run; 1 where two sides differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, required=True, help="an event log in XES, compressed or not")
    parser.add_argument("--variants", type=int, default=500, help="so many of its most frequent variants")
    parser.add_argument("--noise", type=float, default=0.2, help="of the inductive miner")
    parser.add_argument("--without", action="append", default=[], choices=SIDES[1:], help="leave a side out")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    import pm4py

    log, variants = real_traces(pm4py.read_xes(str(options.log)))
    tree = discover_tree(log.log, log.names, noise_threshold=options.noise)
    chosen = [
        list(trace) for trace, _ in sorted(variants.items(), key=lambda one: (-one[1], one[0]))[: options.variants]
    ]
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "r4pm", "pm4py"))
    print(f"{platform.system()}, Python {platform.python_version()}, {versions}")
    print(f"{options.log.name}: {len(chosen)} of {len(variants)} variants, noise {options.noise}\n")
    print(f"{'':8}{'seconds':>10}{'x sluice':>10}{'mean cost':>11}")
    costs, seconds = {}, {}
    for side in SIDES:
        if side in options.without:
            continue
        began = time.perf_counter()
        costs[side] = RUN[side](tree, chosen)
        seconds[side] = time.perf_counter() - began
        mean = sum(costs[side]) / len(chosen)
        print(f"{side:8}{seconds[side]:10.2f}{seconds[side] / seconds['sluice']:10.0f}{mean:11.3f}", flush=True)
    different = sum(len(set(found)) > 1 for found in zip(*costs.values(), strict=True))
    print(f"variants whose costs differ: {different}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
