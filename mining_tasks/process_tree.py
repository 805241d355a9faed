"""Process trees: sequence, exclusive choice, concurrency and loop over activities, with one text form for each.

Definition: Leemans, Robust Process Mining with Guarantees (2022), section 2.2.2; the reduction rules are of its
section 5.1. A loop has two children: body (redo body)*.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from sluice.errors import BadInput

SEQUENCE, CHOICE, CONCURRENCY, LOOP = "->", "X", "+", "*"
OPERATORS = (SEQUENCE, CHOICE, CONCURRENCY, LOOP)
_TOKEN = re.compile(r"\s*(?:(->|[X+*])\s*\(|(tau|τ)(?![\w'])|'((?:[^'\\]|\\.)*)'|([,)]))", re.DOTALL)


@dataclass(frozen=True)
class ProcessTree:
    """operator: of `OPERATORS`, None for a leaf. label: the activity of a leaf, None for a silent one (tau)."""

    operator: str | None = None
    children: tuple["ProcessTree", ...] = ()
    label: str | None = None
    text: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.operator is not None:
            text = f"{self.operator}( {', '.join(child.text for child in self.children)} )"
        elif self.label is None:
            text = "tau"
        else:
            text = "'" + self.label.replace("\\", "\\\\").replace("'", "\\'") + "'"
        object.__setattr__(self, "text", text)

    def __str__(self) -> str:
        return self.text


TAU = ProcessTree()


def activity(label: str) -> ProcessTree:
    """A leaf."""
    return ProcessTree(label=label)


def sequence(*children: ProcessTree) -> ProcessTree:
    """One child after the other."""
    return ProcessTree(SEQUENCE, children)


def choice(*children: ProcessTree) -> ProcessTree:
    """One of the children."""
    return ProcessTree(CHOICE, children)


def concurrency(*children: ProcessTree) -> ProcessTree:
    """All children, their steps in any interleaving."""
    return ProcessTree(CONCURRENCY, children)


def loop(body: ProcessTree, redo: ProcessTree) -> ProcessTree:
    """The body, then any number of times the redo part and the body."""
    return ProcessTree(LOOP, (body, redo))


def parse(text: str) -> ProcessTree:
    """A tree from its text form; BadInput says where the text is no tree.

    >>> parse("->( 'a', X( 'b', tau ) )").text
    "->( 'a', X( 'b', tau ) )"
    """
    place = 0
    open_nodes: list[tuple[str, list[ProcessTree]]] = []
    expects_node = True
    while True:
        token = _TOKEN.match(text, place)
        if token is None or (token[4] is None) != expects_node:
            wanted = "a node" if expects_node else "a comma or a closing bracket"
            raise BadInput(f"process tree: expected {wanted} at {place}: {text!r}")
        place = token.end()
        operator, silent, label, mark = token.groups()
        if operator:
            open_nodes.append((operator, []))
            continue
        if mark == ",":
            expects_node = True
            continue
        if mark == ")":
            operator, children = open_nodes.pop()
            if operator == LOOP and len(children) != 2:
                raise BadInput(f"process tree: expected a loop to have a body and a redo part: {text!r}")
            node = ProcessTree(operator, tuple(children))
        else:
            node = TAU if silent else activity(re.sub(r"\\(.)", r"\1", label, flags=re.DOTALL))
        expects_node = False
        if not open_nodes:
            if text[place:].strip():
                raise BadInput(f"process tree: expected its end at {place}: {text!r}")
            return node
        open_nodes[-1][1].append(node)


def can_be_empty(tree: ProcessTree) -> bool:
    """Whether the tree allows a case without any activity."""
    if tree.operator is None:
        return tree.label is None
    if tree.operator == CHOICE:
        return any(map(can_be_empty, tree.children))
    if tree.operator == LOOP:
        return can_be_empty(tree.children[0])
    return all(map(can_be_empty, tree.children))


def reduced(tree: ProcessTree) -> ProcessTree:
    """A smaller tree of the same language, alternatives and concurrent parts in the order of their text forms.

    >>> reduced(sequence(activity("a"), sequence(TAU, choice(activity("c"), activity("b"))))).text
    "->( 'a', X( 'b', 'c' ) )"
    """
    if tree.operator is None:
        return tree
    children = []
    for child in tree.children:
        children.append(reduced(child))
    if tree.operator == LOOP:
        return _reduced_loop(*children)
    flat = [part for child in children for part in (child.children if child.operator == tree.operator else (child,))]
    if tree.operator == CHOICE:
        return _reduced_choice(flat)
    flat = [child for child in flat if child != TAU]
    if tree.operator == CONCURRENCY:
        flat.sort(key=lambda child: child.text)
    return _joined(tree.operator, flat)


def _joined(operator: str, children: list[ProcessTree]) -> ProcessTree:
    if len(children) > 1:
        return ProcessTree(operator, tuple(children))
    return children[0] if children else TAU


def _reduced_choice(children: list[ProcessTree]) -> ProcessTree:
    others = sorted({child.text: child for child in children if child != TAU}.values(), key=lambda child: child.text)
    if len(others) == len(children) or any(map(can_be_empty, others)):
        return _joined(CHOICE, others)
    if TAU not in children:
        return _joined(CHOICE, others)
    if len(others) == 1 and others[0].operator == LOOP and others[0].children[1] == TAU:
        return _reduced_loop(TAU, others[0].children[0])  # once or more, or not at all
    return _joined(CHOICE, [*others, TAU])


def _reduced_loop(body: ProcessTree, redo: ProcessTree) -> ProcessTree:
    if body.operator == LOOP:
        return _reduced_loop(body.children[0], _reduced_choice([*_parts(body.children[1]), *_parts(redo)]))
    if redo == TAU and can_be_empty(body):
        if body == TAU:
            return TAU
        if body.operator == CHOICE:  # any number of times one of what is not nothing
            return _reduced_loop(TAU, _reduced_choice([part for part in body.children if part != TAU]))
    if body == TAU:
        parts = [inner for part in _parts(redo) for inner in _repeated(part) if inner != TAU]
        if not parts:
            return TAU
        redo = _reduced_choice(parts)
    return loop(body, redo)


def _parts(tree: ProcessTree) -> tuple[ProcessTree, ...]:
    return tree.children if tree.operator == CHOICE else (tree,)


def _repeated(part: ProcessTree) -> tuple[ProcessTree, ...]:
    """What is repeated where `part` is repeated any number of times: of a loop of its own, what that repeats."""
    if part.operator == LOOP and TAU in part.children:
        return _parts(part.children[0] if part.children[1] == TAU else part.children[1])
    return (part,)


def count_nodes(tree: ProcessTree) -> Counter[str]:
    """How many nodes of each kind: the operators, 'activity' and 'tau'."""
    counts: Counter[str] = Counter()
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        counts[node.operator or ("tau" if node.label is None else "activity")] += 1
        waiting.extend(node.children)
    return counts
