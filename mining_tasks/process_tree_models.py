"""The models of a process: each process tree with its text, Petri net and BPMN, as rows of mining.models."""

from collections.abc import Iterator

import narwhals as nw

from mining_tasks.bpmn import diagram_of
from mining_tasks.bpmn_xml import write_bpmn
from mining_tasks.inductive import discover_tree
from mining_tasks.inductive_directly_follows import discover_tree_of_graph
from mining_tasks.inductive_graph import graph_of
from mining_tasks.inductive_log import CodedLog, most_frequent
from mining_tasks.petri_net import net_of
from mining_tasks.petri_net_pnml import write_pnml
from mining_tasks.process_tree import CHOICE, CONCURRENCY, LOOP, SEQUENCE, ProcessTree, count_nodes

NOISE_THRESHOLD = 0.2
MOST_ACTIVITIES = 100  # a model of a log with more is made of its most frequent activities
_WHOLE, _REAL, _TEXT = nw.Int64(), nw.Float64(), nw.String()
SCHEMA = {
    "model_kind": _TEXT,
    "noise_threshold": _REAL,
    "tree": _TEXT,
    "pnml": _TEXT,
    "bpmn": _TEXT,
    "activity_count": _WHOLE,
    "left_out_activity_count": _WHOLE,
    "silent_count": _WHOLE,
    "sequence_count": _WHOLE,
    "choice_count": _WHOLE,
    "concurrency_count": _WHOLE,
    "loop_count": _WHOLE,
    "place_count": _WHOLE,
    "transition_count": _WHOLE,
    "arc_count": _WHOLE,
    "gateway_count": _WHOLE,
    "flow_count": _WHOLE,
}


def discover_models(coded: CodedLog) -> nw.DataFrame:
    """One row per kind of model, sorted; none of a log without cases."""
    rows = []
    if len(coded.log.lengths):
        shown = most_frequent(coded, MOST_ACTIVITIES)
        left_out = len(coded.keys) - len(shown.keys)
        rows = [_row(kind, noise, tree, left_out) for kind, noise, tree in _trees(shown)]
    columns = {name: [row[name] for row in rows] for name in SCHEMA}
    return nw.from_dict(columns, schema=SCHEMA, backend="polars")


def _trees(coded: CodedLog) -> Iterator[tuple[str, float, ProcessTree]]:
    yield "inductive", 0.0, discover_tree(coded.log, coded.names)
    yield "inductive_directly_follows", 0.0, discover_tree_of_graph(graph_of(coded.log), coded.names)
    tree = discover_tree(coded.log, coded.names, noise_threshold=NOISE_THRESHOLD)
    yield "inductive_infrequent", NOISE_THRESHOLD, tree


def _row(kind: str, noise: float, tree: ProcessTree, left_out: int) -> dict:
    nodes, net, diagram = count_nodes(tree), net_of(tree), diagram_of(tree)
    return {
        "model_kind": kind,
        "noise_threshold": noise,
        "tree": tree.text,
        "pnml": write_pnml(net, name=kind),
        "bpmn": write_bpmn(diagram, name=kind),
        "activity_count": nodes["activity"],
        "left_out_activity_count": left_out,
        "silent_count": nodes["tau"],
        "sequence_count": nodes[SEQUENCE],
        "choice_count": nodes[CHOICE],
        "concurrency_count": nodes[CONCURRENCY],
        "loop_count": nodes[LOOP],
        "place_count": net.places,
        "transition_count": len(net.transitions),
        "arc_count": net.arc_count,
        "gateway_count": sum(node.kind.endswith("Gateway") for node in diagram.nodes),
        "flow_count": len(diagram.flows),
    }
