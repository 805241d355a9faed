"""The footprint of a log: how each two activities stand to one another, from its directly-follows graph."""

import narwhals as nw

from mining_tasks.dfg import DirectlyFollowsGraph

AFTER, BEFORE, PARALLEL = "->", "<-", "||"


def discover_footprints(graph: DirectlyFollowsGraph) -> nw.DataFrame:
    """One row per ordered pair of activities, sorted: `activity_key`, `next_activity_key`, `relation`.

    Relations as in van der Aalst, Weijters and Maruster (2004), the alpha algorithm: `->` where the second follows the
    first directly somewhere and never the first the second; `<-` the other way; `||` both. Pairs that never follow each
    other (#) have no row. An activity that follows itself is parallel to itself.
    """
    columns = ("activity_key", "next_activity_key")
    arcs = graph.edges.select(
        nw.col("source_activity_key").alias(columns[0]), nw.col("target_activity_key").alias(columns[1])
    )
    turned = arcs.select(nw.col(columns[1]).alias(columns[0]), nw.col(columns[0]).alias(columns[1]))
    both = arcs.join(turned, on=list(columns), how="semi").with_columns(relation=nw.lit(PARALLEL))
    forward = arcs.join(turned, on=list(columns), how="anti")
    backward = turned.join(arcs, on=list(columns), how="anti")
    parts = [both, forward.with_columns(relation=nw.lit(AFTER)), backward.with_columns(relation=nw.lit(BEFORE))]
    return nw.concat(parts).sort(*columns)
