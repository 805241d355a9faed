"""Reference models from BPMN files: the same language as the tree they were drawn from, as pm4py reads them, or one line."""

import random
import warnings

import pytest

from mining_tasks.alignments import align
from mining_tasks.alignments_automaton import Automaton, automaton_of, automaton_of_tree
from mining_tasks.alignments_bpmn import read_bpmn
from mining_tasks.alignments_model import Reference, read_reference_model
from mining_tasks.bpmn import diagram_of
from mining_tasks.bpmn_xml import write_bpmn
from mining_tasks.process_tree import parse
from sluice.errors import BadInput
from tests.mining_tasks.test_alignments import assert_same, random_trace, random_tree

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pm4py

HEAD = '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">'
TAIL = "</process></definitions>"
ENDS = '<startEvent id="s"/><endEvent id="e"/>'
NODES = f'{ENDS}<task id="a" name="pay"/>'
FLOWS = '<sequenceFlow id="f" sourceRef="s" targetRef="a"/><sequenceFlow id="g" sourceRef="a" targetRef="e"/>'


def drawn(text: str) -> str:
    return write_bpmn(diagram_of(parse(text)), name="model")


def read(content: str) -> Automaton:
    return automaton_of(Reference("here", content))


@pytest.mark.parametrize("seed", range(20))
def test_what_was_drawn_from_a_tree_is_read_as_its_language(seed):
    tree = random_tree(random.Random(seed))
    assert_same(read(drawn(tree.text)), automaton_of_tree(tree))


def test_costs_are_those_of_pm4pys_reading(tmp_path):
    text = "->( 'a', +( 'b', X( 'c', tau ) ), *( 'd', 'e' ) )"
    path = tmp_path / "model.bpmn"
    path.write_text(drawn(text), encoding="utf-8")
    reference = read_reference_model("here", "model.bpmn", folder=tmp_path)
    chance = random.Random(1)
    traces = [random_trace(chance) for _ in range(10)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = pm4py.convert_to_petri_net(pm4py.read_bpmn(str(path)))
        from pm4py.algo.conformance.alignments.petri_net import algorithm
        from pm4py.objects.log.obj import Event, Trace

        theirs = [
            algorithm.apply_trace(Trace([Event({"concept:name": name}) for name in trace]), *net)["cost"] // 10_000
            for trace in traces
        ]
    assert align(automaton_of(reference), traces).cost.tolist() == theirs


def test_a_task_between_two_ends():
    flow = read_bpmn("here", f"{HEAD}{NODES}{FLOWS}{TAIL}".encode())
    assert flow.activities == {"pay"}
    assert_same(read(f"{HEAD}{NODES}{FLOWS}{TAIL}"), automaton_of_tree(parse("'pay'")))
    split = FLOWS + '<endEvent id="e2"/><sequenceFlow id="h" sourceRef="a" targetRef="e2"/>'
    both = read(f"{HEAD}{NODES}{split}{TAIL}")  # gives to both ends: over when both are reached
    assert_same(both, automaton_of_tree(parse("'pay'")))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<definitions", "here: line 1: not XML"),
        ("<a/>", "here: expected one BPMN 2.0 process with elements, found 0"),
        (f'<!DOCTYPE d [<!ENTITY x "y">]>{HEAD}{NODES}{FLOWS}{TAIL}', "here: expected no document type declaration"),
        (f'{HEAD}{NODES}{FLOWS}<inclusiveGateway id="i"/>{TAIL}', "here: line 1: inclusiveGateway is not read"),
        (f'{HEAD}{NODES}{FLOWS}<task id="b"/>{TAIL}', "here: line 1: a task without a name"),
        (f'{HEAD}{ENDS}<sequenceFlow id="f" sourceRef="s" targetRef="x"/>{TAIL}', "targetRef leads to no node"),
        (f'{HEAD}<endEvent id="e"/>{TAIL}', "here: expected one start event and an end event"),
    ],
)
def test_what_cannot_be_read_is_one_line(content, said):
    with pytest.raises(BadInput) as error:
        read_bpmn("here", content.encode())
    assert said in str(error.value) and "\n" not in str(error.value)


def test_files_are_looked_for_beside_the_yaml_alone(tmp_path):
    for name in ("../secret.bpmn", "/etc/x.bpmn", "a b.bpmn"):
        with pytest.raises(BadInput, match=r"expected a file such as"):
            read_reference_model("here", name, folder=tmp_path)
    with pytest.raises(BadInput, match="cannot be read"):
        read_reference_model("here", "orders/reference.bpmn", folder=tmp_path)
    (tmp_path / "m.bpmn").write_text(f"{HEAD}{NODES}{FLOWS}{TAIL}")
    assert isinstance(read_reference_model("here", "m.bpmn", folder=tmp_path, known={"pay"}), Reference)
    with pytest.raises(BadInput, match="'pay' is no declared activity"):
        read_reference_model("here", "m.bpmn", folder=tmp_path, known={"ship"})
