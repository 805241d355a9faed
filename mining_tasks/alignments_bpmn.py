"""Reference models from BPMN 2.0 files: the control flow of one process, as a Petri net.

Read are start and end events, tasks of any kind, exclusive and parallel gateways and sequence flows (BPMN 2.0.2, section
13.2); of what else decides the flow (inclusive, complex and event-based gateways, sub-processes, events in between and at
boundaries) the first is told: leaving it out would be another model.
"""

from collections import defaultdict

from lxml import etree

from sluice.errors import BadInput

_BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
_TASKS = {
    "task",
    "userTask",
    "manualTask",
    "serviceTask",
    "sendTask",
    "receiveTask",
    "scriptTask",
    "businessRuleTask",
    "callActivity",
}
_FLOW_NODES = {"startEvent", "endEvent", "exclusiveGateway", "parallelGateway", *_TASKS}
_IGNORED = {  # neither a node nor a flow: data, notes, lanes
    "laneSet",
    "dataObject",
    "dataObjectReference",
    "dataStoreReference",
    "textAnnotation",
    "association",
    "group",
    "documentation",
    "extensionElements",
    "ioSpecification",
    "property",
    "resourceRole",
}
SOURCE = 0


class Flow:
    """The control flow of a BPMN file. nodes: id -> (kind, name). incoming, outgoing: id -> the flows, by number."""

    def __init__(self) -> None:
        self.nodes: dict[str, tuple[str, str]] = {}
        self.incoming: dict[str, list[int]] = defaultdict(list)
        self.outgoing: dict[str, list[int]] = defaultdict(list)
        self.flow_count = 0

    @property
    def activities(self) -> set[str]:
        """The names of the tasks."""
        return {name for kind, name in self.nodes.values() if kind in _TASKS}


def read_bpmn(where: str, content: bytes) -> Flow:
    """The control flow of a file with one process; BadInput in one line for what cannot be read as such.

    where: how messages call the file.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise BadInput(f"{where}: line {error.lineno or 1}: not XML ({' '.join(str(error.msg).split())})") from None
    if root.getroottree().docinfo.doctype:
        raise BadInput(f"{where}: expected no document type declaration")
    processes = [element for element in root.iter(f"{_BPMN}process") if len(element)]
    if len(processes) != 1:
        raise BadInput(f"{where}: expected one BPMN 2.0 process with elements, found {len(processes)}")
    flow, flows = Flow(), []
    for element in processes[0]:
        if not isinstance(element.tag, str) or not element.tag.startswith(_BPMN):
            continue
        kind, key, name = element.tag[len(_BPMN) :], element.get("id", ""), " ".join(element.get("name", "").split())
        if kind == "sequenceFlow":
            flows.append(element)
        elif kind in _FLOW_NODES:
            if kind in _TASKS and not name:
                raise BadInput(f"{where}: line {element.sourceline}: a {kind} without a name: expected its activity")
            flow.nodes[key] = (kind, name)
        elif kind not in _IGNORED:
            raise BadInput(
                f"{where}: line {element.sourceline}: {kind} is not read: expected tasks, start and end "
                "events, exclusive and parallel gateways"
            )
    for element in flows:
        for end, known in (("sourceRef", flow.outgoing), ("targetRef", flow.incoming)):
            if element.get(end) not in flow.nodes:
                raise BadInput(f"{where}: line {element.sourceline}: {end} leads to no node of the process")
            known[element.get(end)].append(flow.flow_count)
        flow.flow_count += 1
    kinds = [kind for kind, _ in flow.nodes.values()]
    if kinds.count("startEvent") != 1 or "endEvent" not in kinds:
        raise BadInput(f"{where}: expected one start event and an end event")
    return flow


def net_of(flow: Flow) -> tuple[list[str | None], list[tuple[int, int]], list[tuple[int, int]]]:
    """(labels of transitions, arcs in, arcs out) of a Petri net: it begins with a token in place `SOURCE` and is over when
    there is none left.

    Sequence flows are places; a task with several incoming flows takes one of them, one with several outgoing flows gives
    to all; each end event takes its token away.
    """
    labels: list[str | None] = []
    arcs_in: list[tuple[int, int]] = []
    arcs_out: list[tuple[int, int]] = []

    def add(label: str | None, sources: list[int], targets: list[int]) -> None:
        arcs_in.extend((place, len(labels)) for place in sources)
        arcs_out.extend((len(labels), place) for place in targets)
        labels.append(label)

    for key, (kind, name) in flow.nodes.items():
        incoming = [1 + number for number in flow.incoming[key]]
        outgoing = [1 + number for number in flow.outgoing[key]]
        if kind == "startEvent":
            add(None, [SOURCE], outgoing)
        elif kind == "endEvent":
            for place in incoming:
                add(None, [place], [])
        elif kind == "parallelGateway":
            if incoming:
                add(None, incoming, outgoing)
        elif kind == "exclusiveGateway":
            for place in incoming:
                for target in outgoing:
                    add(None, [place], [target])
        else:
            for place in incoming:
                add(name, [place], outgoing)
    return labels, arcs_in, arcs_out
