"""The reference model of a process as its YAML declares it: read and checked."""

from collections.abc import Collection
from typing import Any

from mining_tasks.process_tree import ProcessTree, parse
from sluice.errors import BadInput
from sluice.yaml_files import shown


def read_reference_model(where: str, declared: Any, *, known: Collection[str] | None = None) -> str:
    """The text of a process tree, in its normal form; BadInput names the place.

    where: how messages call the place. known: the activities that there are; None: not checked.
    """
    if not isinstance(declared, str) or not declared.strip():
        raise BadInput(f"{where}: expected a process tree such as `->( 'a', X( 'b', tau ) )`, found {shown(declared)}")
    try:
        tree = parse(declared)
    except BadInput as error:
        raise BadInput(f"{where}: {' '.join(str(error).split())}") from None
    unknown = sorted(activities_of(tree) - set(known)) if known is not None else []
    if unknown:
        raise BadInput(f"{where}: {shown(unknown[0])} is no declared activity: expected one of the process's own")
    return tree.text


def activities_of(tree: ProcessTree) -> set[str]:
    """The activities that a tree names."""
    own = set() if tree.label is None else {tree.label}
    return own.union(*map(activities_of, tree.children))
