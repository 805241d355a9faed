"""BPMN of process trees: the same language as the tree, and a diagram in which nothing overlaps or hangs loose."""

import itertools
import random
import warnings

import pytest
from hypothesis import given, settings
from lxml import etree

from mining_tasks.bpmn import diagram_of
from mining_tasks.bpmn_xml import write_bpmn
from mining_tasks.process_tree import parse, reduced
from tests.mining_tasks.nets import assert_same_language, read_bpmn
from tests.mining_tasks.trees import any_tree, random_tree

NAMES = {
    "b": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "d": "http://www.omg.org/spec/BPMN/20100524/DI",
    "c": "http://www.omg.org/spec/DD/20100524/DC",
    "w": "http://www.omg.org/spec/DD/20100524/DI",
}


@settings(max_examples=150, deadline=None)
@given(any_tree())
def test_file_has_the_language_of_the_tree(tree):
    assert_same_language(read_bpmn(write_bpmn(diagram_of(tree), name="any")), tree)


@settings(max_examples=200, deadline=None)
@given(any_tree())
def test_diagram_is_tidy(tree):
    assert_tidy(write_bpmn(diagram_of(tree), name="any"))


@pytest.mark.parametrize("seed", range(10))
def test_large_diagram_is_tidy(seed):
    assert_tidy(write_bpmn(diagram_of(reduced(random_tree(random.Random(seed), 40, silent=0.3))), name="any"))


def assert_tidy(text):
    """Each node has one shape and each flow one edge; shapes keep apart; edges run straight from shape to shape, go
    through none, and at most gateways' own flows run along one another.
    """
    root = etree.fromstring(text.encode())
    nodes = {node.get("id"): node for node in root.find("b:process", NAMES) if node.get("id")}
    flows = {key: node for key, node in nodes.items() if etree.QName(node).localname == "sequenceFlow"}
    boxes = {}
    for shape in root.iterfind(".//d:BPMNShape", NAMES):
        bounds = shape.find("c:Bounds", NAMES)
        assert shape.get("bpmnElement") not in boxes
        boxes[shape.get("bpmnElement")] = tuple(float(bounds.get(name)) for name in ("x", "y", "width", "height"))
    edges = {edge.get("bpmnElement"): edge for edge in root.iterfind(".//d:BPMNEdge", NAMES)}
    assert edges.keys() == flows.keys() and boxes.keys() == nodes.keys() - flows.keys()
    for one, other in itertools.combinations(boxes.values(), 2):
        assert not overlap(one, other, room=10), (one, other)
    for key, edge in edges.items():
        points = [(float(p.get("x")), float(p.get("y"))) for p in edge.iterfind("w:waypoint", NAMES)]
        source, target = boxes[flows[key].get("sourceRef")], boxes[flows[key].get("targetRef")]
        assert on_border(points[0], source) and on_border(points[-1], target)
        for (x1, y1), (x2, y2) in itertools.pairwise(points):
            assert (x1 == x2) != (y1 == y2), "a part of an edge runs along one axis and has a length"
            line = (min(x1, x2), min(y1, y2), abs(x1 - x2), abs(y1 - y2))
            assert not any(overlap(line, box, room=0) for box in boxes.values()), (key, line)
    left = min(box[0] for box in boxes.values())
    top = min([box[1] for box in boxes.values()])
    assert left >= 0 and top >= 0


def overlap(one, other, *, room):
    (x1, y1, w1, h1), (x2, y2, w2, h2) = one, other
    return x1 < x2 + w2 + room and x2 < x1 + w1 + room and y1 < y2 + h2 + room and y2 < y1 + h1 + room


def on_border(point, box):
    x, y, width, height = box
    return point in {(x, y + height / 2), (x + width, y + height / 2), (x + width / 2, y), (x + width / 2, y + height)}


@pytest.mark.parametrize("seed", range(3))
def test_pm4py_reads_it(seed, tmp_path):
    tree = reduced(random_tree(random.Random(seed), 7, silent=0.3))
    diagram = diagram_of(tree)
    path = tmp_path / "model.bpmn"
    path.write_text(write_bpmn(diagram, name="a & <b>"), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pm4py

        theirs = pm4py.read_bpmn(str(path))
    assert (len(theirs.get_nodes()), len(theirs.get_flows())) == (len(diagram.nodes), len(diagram.flows))
    tasks = sorted(node.name for node in diagram.nodes if node.name)
    assert sorted(node.get_name() for node in theirs.get_nodes() if type(node).__name__ == "Task") == tasks


def test_loop_runs_back_below_its_body():
    nodes = {node.name: node for node in diagram_of(parse("*( 'a', ->( 'b', 'c' ) )")).nodes}
    assert nodes["c"].x < nodes["b"].x and nodes["b"].y == nodes["c"].y > nodes["a"].y + nodes["a"].height


def test_odd_names_stay_what_they_are():
    text = write_bpmn(diagram_of(parse("->( 'a <&> \"b\"', 'line\nbreak', 'bell\x07' )")), name="\x00")
    names = [task.get("name") for task in etree.fromstring(text.encode()).iterfind(".//b:task", NAMES)]
    assert names == ['a <&> "b"', "line\nbreak", "bell\ufffd"]
