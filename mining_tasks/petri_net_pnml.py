"""Petri nets as PNML, the exchange format of ISO/IEC 15909-2 (place/transition nets, grammar of 2009)."""

from lxml import etree

from mining_tasks.bpmn_xml import clean_text
from mining_tasks.petri_net import SINK, SOURCE, PetriNet

_GRAMMAR = "http://www.pnml.org/version-2009/grammar/"
_PNML = f"{{{_GRAMMAR}pnml}}"
_NAMES = {SOURCE: "start", SINK: "end"}


def write_pnml(net: PetriNet, *, name: str) -> str:
    """A workflow net as PNML. The token is on the place 'start', and at the end on the place 'end'.

    Silent transitions are named 'tau' and marked as ProM, pm4py and others mark them ($invisible$).
    """
    root = etree.Element(_PNML + "pnml", nsmap={None: _GRAMMAR + "pnml"})
    element = etree.SubElement(root, _PNML + "net", id="net", type=_GRAMMAR + "ptnet")
    _text(element, "name", name)
    page = etree.SubElement(element, _PNML + "page", id="page")
    for place in range(net.places):
        node = etree.SubElement(page, _PNML + "place", id=f"p{place}")
        _text(node, "name", _NAMES.get(place, f"p{place}"))
        if place == SOURCE:
            _text(node, "initialMarking", "1")
    for number, label in enumerate(net.transitions):
        node = etree.SubElement(page, _PNML + "transition", id=f"t{number}")
        _text(node, "name", "tau" if label is None else label)
        if label is None:
            etree.SubElement(
                node,
                _PNML + "toolspecific",
                tool="ProM",
                version="6.4",
                activity="$invisible$",
                localNodeID=f"t{number}",
            )
    arcs = [(f"p{place}", f"t{number}") for place, number in net.arcs_in]
    arcs += [(f"t{number}", f"p{place}") for number, place in net.arcs_out]
    for number, (source, target) in enumerate(arcs):
        etree.SubElement(page, _PNML + "arc", id=f"a{number}", source=source, target=target)
    return etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="UTF-8").decode()


def _text(parent: etree._Element, tag: str, text: str) -> None:
    element = etree.SubElement(parent, _PNML + tag)
    etree.SubElement(element, _PNML + "text").text = clean_text(text)
