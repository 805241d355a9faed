"""BPMN: a process tree as tasks, gateways and flows, each with its place in a diagram.

Every block of the tree has a rectangle of its own, so nothing overlaps: what follows is to the right, alternatives and
concurrent parts lie below one another, the redo part of a loop lies below its body and runs from right to left.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from mining_tasks.process_tree import CONCURRENCY, LOOP, SEQUENCE, ProcessTree

START, END, TASK, EXCLUSIVE, PARALLEL = "startEvent", "endEvent", "task", "exclusiveGateway", "parallelGateway"
SIZES = {START: (36, 36), END: (36, 36), TASK: (120, 80), EXCLUSIVE: (50, 50), PARALLEL: (50, 50)}
_GAP, _LANE_GAP, _MARGIN = 50, 30, 40
_GATEWAY = SIZES[EXCLUSIVE][0]
_SKIP = 10  # half of the room of a flow that passes by

Point = tuple[int, int]


@dataclass(frozen=True)
class Node:
    """kind: of `SIZES`. name: of a task. x, y: left and top, in pixels. is_split: a gateway that flows leave."""

    number: int
    kind: str
    name: str
    x: int
    y: int
    is_split: bool = False

    @property
    def width(self) -> int:
        """In pixels."""
        return SIZES[self.kind][0]

    @property
    def height(self) -> int:
        """In pixels."""
        return SIZES[self.kind][1]

    @property
    def middle(self) -> Point:
        """Its centre."""
        return self.x + self.width // 2, self.y + self.height // 2

    def side(self, is_right: bool) -> Point:
        """The middle of its right or left side."""
        return self.x + self.width * is_right, self.y + self.height // 2

    @property
    def bottom(self) -> Point:
        """The middle of its bottom."""
        return self.x + self.width // 2, self.y + self.height


@dataclass(frozen=True)
class Flow:
    """source, target: numbers of nodes. points: where it runs, at least two."""

    source: int
    target: int
    points: tuple[Point, ...]


@dataclass
class Diagram:
    """The nodes, by number, and the flows of a process."""

    nodes: list[Node] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)


def diagram_of(tree: ProcessTree) -> Diagram:
    """The BPMN process of a tree, laid out.

    >>> from mining_tasks.process_tree import parse
    >>> [node.kind for node in diagram_of(parse("X( 'a', tau )")).nodes]
    ['startEvent', 'exclusiveGateway', 'task', 'exclusiveGateway', 'endEvent']
    """
    drawing = _Drawing()
    size = drawing.size(tree)
    axis = _MARGIN + max(size.above, SIZES[START][1] // 2)
    start = drawing.add(START, _MARGIN, axis)
    left = _MARGIN + SIZES[START][0] + _GAP
    block = drawing.place(tree, left, axis, is_forward=True)
    end = drawing.add(END, left + size.width + (_GAP if size.width else 0), axis)
    drawing.chain([(start, start), block, (end, end)], is_forward=True)
    return drawing.diagram


@dataclass(frozen=True)
class _Size:
    """Pixels: the width, and the height above and below the axis on which a block is entered and left."""

    width: int
    above: int
    below: int


_Block = tuple[Node, Node] | None  # the nodes it is entered and left by; None where nothing is done


class _Drawing:
    def __init__(self) -> None:
        self.diagram = Diagram()
        self._sizes: dict[int, _Size] = {}

    def size(self, tree: ProcessTree) -> _Size:
        """The room of a block."""
        if id(tree) not in self._sizes:
            self._sizes[id(tree)] = self._measured(tree)
        return self._sizes[id(tree)]

    def _measured(self, tree: ProcessTree) -> _Size:
        if tree.operator is None:
            width, height = SIZES[TASK]
            return _Size(0, _SKIP, _SKIP) if tree.label is None else _Size(width, height // 2, height // 2)
        sizes = [self.size(child) for child in tree.children]
        above, half = max(sizes[0].above, _GATEWAY // 2), _GATEWAY // 2
        if tree.operator == SEQUENCE:
            widths = [size.width for size in sizes if size.width]
            width = sum(widths) + _GAP * max(len(widths) - 1, 0)
            return _Size(width, max(size.above for size in sizes), max(size.below for size in sizes))
        width = max(size.width for size in sizes) + 2 * (_GATEWAY + _GAP)
        below = max(sizes[0].below, half) + sum(_LANE_GAP + size.above + size.below for size in sizes[1:])
        return _Size(width, above, below)

    def add(self, kind: str, left: int, axis: int, *, name: str = "", is_split: bool = False) -> Node:
        """A new node on an axis."""
        nodes = self.diagram.nodes
        nodes.append(Node(len(nodes), kind, name, left, axis - SIZES[kind][1] // 2, is_split))
        return nodes[-1]

    def link(self, source: Node, target: Node, points: Iterable[Point]) -> None:
        """A new flow."""
        self.diagram.flows.append(Flow(source.number, target.number, tuple(points)))

    def chain(self, blocks: Iterable[_Block], *, is_forward: bool) -> _Block:
        """Blocks on one axis, one after the other, as one."""
        some = [block for block in blocks if block]
        for (_, source), (target, _) in itertools.pairwise(some):
            self.link(source, target, (source.side(is_forward), target.side(not is_forward)))
        return (some[0][0], some[-1][1]) if some else None

    def place(self, tree: ProcessTree, left: int, axis: int, *, is_forward: bool) -> _Block:
        """Draw a block into its room. is_forward: it runs from left to right."""
        if tree.operator is None:
            if tree.label is None:
                return None
            task = self.add(TASK, left, axis, name=tree.label)
            return task, task
        if tree.operator == SEQUENCE:
            return self._place_sequence(tree, left, axis, is_forward)
        right = left + self.size(tree).width - _GATEWAY
        kind = PARALLEL if tree.operator == CONCURRENCY else EXCLUSIVE
        is_loop = tree.operator == LOOP
        first = self.add(kind, left if is_forward else right, axis, is_split=not is_loop)
        inside, lanes = left + _GATEWAY + _GAP, self._lanes(tree, axis)
        blocks: list[_Block] = []
        for number, (child, lane) in enumerate(zip(tree.children, lanes, strict=True)):
            runs_forward = is_forward if not (is_loop and number) else not is_forward
            room = right - _GAP - inside
            begin = inside if runs_forward else inside + room - self.size(child).width
            blocks.append(self.place(child, begin, lane, is_forward=runs_forward))
        last = self.add(kind, right if is_forward else left, axis, is_split=is_loop)
        self.chain([(first, first), blocks[0], (last, last)], is_forward=is_forward)
        for block, lane in zip(blocks[1:], lanes[1:], strict=True):
            if is_loop:
                self._detour(last, block, first, lane, is_forward=not is_forward)
            else:
                self._detour(first, block, last, lane, is_forward=is_forward)
        return first, last

    def _place_sequence(self, tree: ProcessTree, left: int, axis: int, is_forward: bool) -> _Block:
        children = tree.children if is_forward else tree.children[::-1]
        blocks: list[_Block] = []
        for child in children:
            width = self.size(child).width
            blocks.append(self.place(child, left, axis, is_forward=is_forward))
            left += width + _GAP if width else 0
        return self.chain(blocks if is_forward else blocks[::-1], is_forward=is_forward)

    def _lanes(self, tree: ProcessTree, axis: int) -> list[int]:
        """The axes of the children of a choice, concurrency or loop."""
        sizes = [self.size(child) for child in tree.children]
        lanes, floor = [axis], axis + max(sizes[0].below, _GATEWAY // 2)
        for size in sizes[1:]:
            lanes.append(floor + _LANE_GAP + size.above)
            floor = lanes[-1] + size.below
        return lanes

    def _detour(self, source: Node, block: _Block, target: Node, lane: int, *, is_forward: bool) -> None:
        """From the bottom of a gateway along a lane to the bottom of another."""
        down, up = (source.bottom[0], lane), (target.bottom[0], lane)
        if block is None:
            self.link(source, target, (source.bottom, down, up, target.bottom))
            return
        entry, leave = block
        self.link(source, entry, (source.bottom, down, entry.side(not is_forward)))
        self.link(leave, target, (leave.side(is_forward), up, target.bottom))
