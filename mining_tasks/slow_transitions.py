"""Slowest transitions: the arcs of the directly-follows graph by the time that all cases together spent on them."""

from itertools import accumulate
from math import fsum

import narwhals as nw

from mining_tasks.dfg import ARC, DirectlyFollowsGraph


def rank_transitions(graph: DirectlyFollowsGraph) -> nw.DataFrame:
    """All arcs, sorted by `rank` (1 = most total time; equal ones in the order of their keys).

    total_share: the arc's part of the time on all arcs (0 where there is none); cumulative_share: with those before it.
    """
    edges = graph.edges.with_columns(_most=-nw.col("total_seconds")).sort("_most", *ARC)
    totals = edges["total_seconds"].to_list()
    everything = fsum(totals)
    shares = [total / everything if everything else 0.0 for total in totals]
    running = [min(part / everything, 1.0) if everything else 0.0 for part in accumulate(totals)]
    if running and everything:
        running[-1] = 1.0
    columns = nw.from_dict(
        {"rank": list(range(1, len(totals) + 1)), "total_share": shares, "cumulative_share": running},
        schema={"rank": nw.Int64(), "total_share": nw.Float64(), "cumulative_share": nw.Float64()},
        backend=edges.implementation,
    )
    ranked = edges.with_columns(*(columns[name] for name in columns.columns))
    return ranked.select(
        "rank",
        *ARC,
        "edge_count",
        "case_count",
        "mean_seconds",
        "median_seconds",
        "p90_seconds",
        "total_seconds",
        "total_share",
        "cumulative_share",
    )
