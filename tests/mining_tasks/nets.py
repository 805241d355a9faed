"""Petri nets for the tests of discovery: read back from files, played, compared with process trees, given to r4pm."""

import uuid
from dataclasses import dataclass, field

from lxml import etree

from mining_tasks.petri_net import SINK, SOURCE, PetriNet
from mining_tasks.process_tree import ProcessTree
from tests.mining_tasks.trees import NOTHING, accepts_empty, activities, after

Marking = frozenset[str]  # of a safe net: the places that have a token


@dataclass
class Net:
    """transitions: (label or None, places it takes from, places it puts to)."""

    initial: Marking
    final: Marking
    transitions: list[tuple[str | None, Marking, Marking]] = field(default_factory=list)

    def fire(self, markings: frozenset[Marking], step: str | None) -> frozenset[Marking]:
        found = set()
        for marking in markings:
            for label, takes, puts in self.transitions:
                if label == step and takes <= marking:
                    rest = marking - takes
                    assert not rest & puts, "not safe"
                    found.add(rest | puts)
        return frozenset(found)

    def silently(self, markings: frozenset[Marking]) -> frozenset[Marking]:
        reached = set(markings)
        fresh = markings
        while fresh:
            fresh = self.fire(fresh, None) - reached
            reached |= fresh
        return frozenset(reached)


def assert_same_language(net: Net, tree: ProcessTree, *, limit: int = 3000) -> None:
    """Every prefix leads both to states that accept alike; the net can always end, and holds nothing else then."""
    names = sorted({*activities(tree), *(label for label, *_ in net.transitions if label is not None)})
    start = net.silently(frozenset([net.initial]))
    seen, waiting = {(start, tree.text)}, [(start, tree, ())]
    while waiting:
        markings, left, prefix = waiting.pop()
        assert (net.final in markings) == accepts_empty(left), prefix
        assert all(marking == net.final or not marking & net.final for marking in markings), prefix
        for name in names:
            reached, rest = net.silently(net.fire(markings, name)), after(left, name)
            assert bool(reached) == (rest != NOTHING), (prefix, name)
            if reached and (reached, rest.text) not in seen:
                assert len(seen) < limit, "more states than can be compared"
                seen.add((reached, rest.text))
                waiting.append((reached, rest, (*prefix, name)))


def read_pnml(text: str) -> Net:
    """A net from PNML, by its own words alone."""
    names = {"p": "http://www.pnml.org/version-2009/grammar/pnml"}
    page = etree.fromstring(text.encode()).find("p:net/p:page", names)
    places = {place.get("id"): place for place in page.findall("p:place", names)}
    marked = [key for key, place in places.items() if place.findtext("p:initialMarking/p:text", "0", names) == "1"]
    ends = [key for key, place in places.items() if place.findtext("p:name/p:text", None, names) == "end"]
    arcs = [(arc.get("source"), arc.get("target")) for arc in page.findall("p:arc", names)]
    net = Net(frozenset(marked), frozenset(ends))
    for transition in page.findall("p:transition", names):
        own, special = transition.get("id"), transition.find("p:toolspecific", names)
        is_silent = special is not None and special.get("activity") == "$invisible$"
        takes = frozenset(source for source, target in arcs if target == own)
        puts = frozenset(target for source, target in arcs if source == own)
        assert takes <= places.keys() and puts <= places.keys()
        net.transitions.append((None if is_silent else transition.findtext("p:name/p:text", None, names), takes, puts))
    return net


def read_bpmn(text: str) -> Net:
    """The net of a BPMN process: a place per flow; by the standard's token semantics of events, tasks and gateways."""
    names = {"b": "http://www.omg.org/spec/BPMN/20100524/MODEL"}
    process = etree.fromstring(text.encode()).find("b:process", names)
    flows = process.findall("b:sequenceFlow", names)
    net = Net(frozenset(["initial"]), frozenset(["final"]))
    for node in process:
        kind = etree.QName(node).localname
        takes = [flow.get("id") for flow in flows if flow.get("targetRef") == node.get("id")]
        puts = [flow.get("id") for flow in flows if flow.get("sourceRef") == node.get("id")]
        if kind == "sequenceFlow":
            continue
        for tag, expected in (("incoming", takes), ("outgoing", puts)):
            assert [found.text for found in node.findall(f"b:{tag}", names)] == expected
        if kind == "startEvent":
            net.transitions.append((None, net.initial, frozenset(puts)))
        elif kind == "endEvent":
            net.transitions.append((None, frozenset(takes), net.final))
        elif kind == "task":
            assert len(takes) == len(puts) == 1
            net.transitions.append((node.get("name"), frozenset(takes), frozenset(puts)))
        elif kind == "parallelGateway":
            net.transitions.append((None, frozenset(takes), frozenset(puts)))
        else:
            assert kind == "exclusiveGateway"
            net.transitions += [(None, frozenset([one]), frozenset([other])) for one in takes for other in puts]
    return net


def as_r4pm(net: PetriNet) -> dict:
    """A net as r4pm takes it."""
    name = lambda kind, n: str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind}{n}"))  # noqa: E731
    arcs = [("PlaceTransition", name("p", p), name("t", t)) for p, t in net.arcs_in]
    arcs += [("TransitionPlace", name("t", t), name("p", p)) for t, p in net.arcs_out]
    return {
        "places": {name("p", n): {"id": name("p", n)} for n in range(net.places)},
        "transitions": {name("t", n): {"id": name("t", n), "label": label} for n, label in enumerate(net.transitions)},
        "arcs": [{"from_to": {"type": kind, "nodes": [one, other]}, "weight": 1} for kind, one, other in arcs],
        "initial_marking": {name("p", SOURCE): 1},
        "final_markings": [{name("p", SINK): 1}],
    }
