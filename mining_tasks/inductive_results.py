"""Everything that is discovered of a process's control flow, as frames under the names of the tables of schema mining."""

from collections.abc import Mapping

import narwhals as nw

from mining_tasks.eventually_follows import count_eventually_follows, tabulate_eventually_follows
from mining_tasks.heuristics import measure_dependencies, tabulate_dependencies
from mining_tasks.inductive_log import code_variants, most_frequent
from mining_tasks.map_levels import measure_levels
from mining_tasks.process_tree_models import discover_models
from mining_tasks.variants import Variants

TABLES = ("eventually_follows", "dependencies", "models", "map_levels")
MOST_PAIRED = 300  # of a log with more activities, the pairs of its most frequent ones
MOST_MAPPED = 1000


def discover(variants: Variants, names: Mapping[int, str]) -> dict[str, nw.DataFrame]:
    """The tables `TABLES` of a log, from its variants alone. names: activity_key -> activity."""
    coded = code_variants(variants, names)
    paired = most_frequent(coded, MOST_PAIRED)
    follows = count_eventually_follows(paired.log)
    dependencies = measure_dependencies(paired.log, follows.nexts)
    return {
        "eventually_follows": tabulate_eventually_follows(paired, follows),
        "dependencies": tabulate_dependencies(paired, dependencies, follows.nexts),
        "models": discover_models(coded),
        "map_levels": measure_levels(most_frequent(coded, MOST_MAPPED)),
    }
