"""BPMN 2.0 (OMG formal/2011-01-03, ISO/IEC 19510) as XML: the process and its diagram (BPMN DI)."""

import re

from lxml import etree

from mining_tasks.bpmn import EXCLUSIVE, TASK, Diagram, Node, Point

_MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
_DI = "http://www.omg.org/spec/BPMN/20100524/DI"
_DC = "http://www.omg.org/spec/DD/20100524/DC"
_DD = "http://www.omg.org/spec/DD/20100524/DI"
_NAMESPACES = {"bpmn": _MODEL, "bpmndi": _DI, "dc": _DC, "di": _DD}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean_text(text: str) -> str:
    """A text without the characters that XML 1.0 cannot hold: U+FFFD in their place."""
    return _NOT_XML.sub("\ufffd", text)


def write_bpmn(diagram: Diagram, *, name: str) -> str:
    """A process as a BPMN 2.0 file, not executable."""
    root = etree.Element(
        f"{{{_MODEL}}}definitions", nsmap=_NAMESPACES, id="definitions", targetNamespace="http://bpmn.io/schema/bpmn"
    )
    process = etree.SubElement(root, f"{{{_MODEL}}}process", id="process", name=clean_text(name), isExecutable="false")
    for node in diagram.nodes:
        _add_node(process, node, diagram)
    for number, flow in enumerate(diagram.flows):
        ends = {"sourceRef": _id(diagram.nodes[flow.source]), "targetRef": _id(diagram.nodes[flow.target])}
        etree.SubElement(process, f"{{{_MODEL}}}sequenceFlow", {"id": f"flow_{number}", **ends})
    drawing = etree.SubElement(root, f"{{{_DI}}}BPMNDiagram", id="diagram")
    plane = etree.SubElement(drawing, f"{{{_DI}}}BPMNPlane", id="plane", bpmnElement="process")
    for node in diagram.nodes:
        _add_shape(plane, node)
    for number, flow in enumerate(diagram.flows):
        edge = etree.SubElement(plane, f"{{{_DI}}}BPMNEdge", id=f"flow_{number}_di", bpmnElement=f"flow_{number}")
        for point in flow.points:
            _add_point(edge, point)
    return etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="UTF-8").decode()


def _id(node: Node) -> str:
    return f"{node.kind}_{node.number}"


def _add_node(process: etree._Element, node: Node, diagram: Diagram) -> None:
    element = etree.SubElement(process, f"{{{_MODEL}}}{node.kind}", id=_id(node))
    if node.kind == TASK:
        element.set("name", clean_text(node.name))
    elif node.kind.endswith("Gateway"):
        element.set("gatewayDirection", "Diverging" if node.is_split else "Converging")
    for tag, end in (("incoming", "target"), ("outgoing", "source")):
        for number, flow in enumerate(diagram.flows):
            if getattr(flow, end) == node.number:
                etree.SubElement(element, f"{{{_MODEL}}}{tag}").text = f"flow_{number}"


def _add_shape(plane: etree._Element, node: Node) -> None:
    shape = etree.SubElement(plane, f"{{{_DI}}}BPMNShape", id=f"{_id(node)}_di", bpmnElement=_id(node))
    if node.kind == EXCLUSIVE:
        shape.set("isMarkerVisible", "true")
    size = {"x": node.x, "y": node.y, "width": node.width, "height": node.height}
    etree.SubElement(shape, f"{{{_DC}}}Bounds", {key: str(value) for key, value in size.items()})


def _add_point(edge: etree._Element, point: Point) -> None:
    etree.SubElement(edge, f"{{{_DD}}}waypoint", x=str(point[0]), y=str(point[1]))
