"""The reference model of a process as its YAML declares it: read and checked."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mining_tasks.alignments_bpmn import read_bpmn
from mining_tasks.process_tree import ProcessTree, parse
from sluice.errors import BadInput
from sluice.yaml_files import LARGEST_BYTES, shown

_FILE = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*\.bpmn")


@dataclass(frozen=True)
class Reference:
    """A reference model. text: a process tree, or the name of a file; empty: none, the happy path serves. bpmn: the file's
    content.
    """

    text: str = ""
    bpmn: str = ""


HAPPY_PATH = Reference()


def read_reference_model(
    where: str, declared: Any, *, known: Collection[str] | None = None, folder: Path | None = None
) -> Reference:
    """The text of a process tree, or the name of a .bpmn file in `folder`; BadInput names the place.

    where: how messages call the place. known: the activities that there are; None: not checked.
    """
    if not isinstance(declared, str) or not declared.strip():
        raise BadInput(
            f"{where}: expected a process tree such as `->( 'a', X( 'b', tau ) )`, or the name of a .bpmn file, found "
            f"{shown(declared)}"
        )
    if declared.endswith(".bpmn"):
        if folder is None or not _FILE.fullmatch(declared):
            raise BadInput(
                f"{where}: expected a file such as orders/reference.bpmn beside the YAML, found {shown(declared)}"
            )
        try:
            content = (folder / declared).read_bytes()
        except OSError as error:
            raise BadInput(f"{where}: {folder / declared} cannot be read ({error.strerror})") from None
        if len(content) > LARGEST_BYTES:
            raise BadInput(f"{where}: {declared} is larger than {LARGEST_BYTES // 1000} kB: expected a model")
        names = read_bpmn(f"{where}: {declared}", content).activities
        try:
            found = Reference(declared, content.decode())
        except UnicodeDecodeError:
            raise BadInput(f"{where}: {declared} is not UTF-8 text: save the file as UTF-8") from None
    else:
        try:
            tree = parse(declared)
        except BadInput as error:
            raise BadInput(f"{where}: {' '.join(str(error).split())}") from None
        names, found = activities_of(tree), Reference(tree.text)
    unknown = sorted(names - set(known)) if known is not None else []
    if unknown:
        raise BadInput(f"{where}: {shown(unknown[0])} is no declared activity: expected one of the process's own")
    return found


def activities_of(tree: ProcessTree) -> set[str]:
    """The activities that a tree names."""
    own = set() if tree.label is None else {tree.label}
    return own.union(*map(activities_of, tree.children))
