"""Workflow nets: a process tree as a Petri net with one start, one end and no way to get stuck (sound by construction).

Definition: van der Aalst, Process Mining (2nd ed., 2016), section 7.5.2: each operator becomes a net of its children's.
"""

from dataclasses import dataclass, field

from mining_tasks.process_tree import CHOICE, CONCURRENCY, SEQUENCE, ProcessTree


@dataclass
class PetriNet:
    """places: how many; place 0 is marked at the beginning, place 1 at the end. transitions: their activities, None for
    a silent one. arcs_in: (place, transition). arcs_out: (transition, place).
    """

    places: int = 2
    transitions: list[str | None] = field(default_factory=list)
    arcs_in: list[tuple[int, int]] = field(default_factory=list)
    arcs_out: list[tuple[int, int]] = field(default_factory=list)

    @property
    def arc_count(self) -> int:
        """Arcs of both kinds."""
        return len(self.arcs_in) + len(self.arcs_out)

    def add_place(self) -> int:
        """A new place."""
        self.places += 1
        return self.places - 1

    def add_transition(self, label: str | None, sources: list[int], targets: list[int]) -> None:
        """A new transition from places to places."""
        number = len(self.transitions)
        self.transitions.append(label)
        self.arcs_in += [(place, number) for place in sources]
        self.arcs_out += [(number, place) for place in targets]


SOURCE, SINK = 0, 1


def net_of(tree: ProcessTree) -> PetriNet:
    """The workflow net of a process tree.

    >>> from mining_tasks.process_tree import parse
    >>> net = net_of(parse("->( 'a', X( 'b', tau ) )"))
    >>> net.places, net.transitions
    (3, ['a', 'b', None])
    """
    net = PetriNet()
    _add(net, tree, SOURCE, SINK)
    return net


def _add(net: PetriNet, tree: ProcessTree, source: int, target: int) -> None:
    """The net of `tree` between two places."""
    if tree.operator is None:
        net.add_transition(tree.label, [source], [target])
    elif tree.operator == CHOICE:
        for child in tree.children:
            _add(net, child, source, target)
    elif tree.operator == SEQUENCE:
        for number, child in enumerate(tree.children, 1):
            after = target if number == len(tree.children) else net.add_place()
            _add(net, child, source, after)
            source = after
    elif tree.operator == CONCURRENCY:
        ends = [(net.add_place(), net.add_place()) for _ in tree.children]
        net.add_transition(None, [source], [begin for begin, _ in ends])
        for child, (begin, end) in zip(tree.children, ends, strict=True):
            _add(net, child, begin, end)
        net.add_transition(None, [end for _, end in ends], [target])
    else:
        body, redo = tree.children
        begin, end = net.add_place(), net.add_place()
        net.add_transition(None, [source], [begin])
        _add(net, body, begin, end)
        _add(net, redo, end, begin)
        net.add_transition(None, [end], [target])
