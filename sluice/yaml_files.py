"""The one door for YAML: plain values only, each key once, no aliases, no tags, not too deep, not too large.

So no file can run code, grow while it is read, or mean something else than what stands there.
"""

import copy
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from sluice.errors import BadInput

LARGEST_BYTES = 1_000_000
DEEPEST = 20
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")


class _Loader(yaml.SafeLoader):
    """SafeLoader without what these files need not: aliases, tags of one's own, repeated or composite keys."""

    def __init__(self, text: str):
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            raise _problem(event, f"an alias (*{event.anchor}): write the value out")
        if getattr(event, "tag", None) is not None:
            raise _problem(event, f"a tag ({event.tag}): only plain values are read")
        self._depth += 1
        if self._depth > DEEPEST:
            raise _problem(event, f"values nested more than {DEEPEST} deep")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _problem(key, "a key that is a list or a mapping: expected a name")
            if key.value in seen:
                raise _problem(key, f"the key {shown(key.value)} a second time: keep one")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _problem(place: Any, found: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=f"found {found}", problem_mark=place.start_mark)


def shown(value: object) -> str:
    """A value as a message shows it: on one line, short."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def read_yaml(path: Path, named: str | None = None) -> Any:
    """The plain values in a YAML file; FileNotFoundError where there is none, else BadInput with file, line and reason.

    named: how messages call the file (default: its path).
    """
    named = named or str(path)
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise BadInput(f"{named}: is larger than {LARGEST_BYTES // 1000} kB: expected a declaration, not data")
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise BadInput(f"{named}: cannot be read ({error.strerror}): mend it or its permissions") from None
    return copy.deepcopy(_values(content, named))


@lru_cache(maxsize=64)  # a step asks for the same few files again and again
def _values(content: bytes, named: str) -> Any:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{named}: line {line}: is not UTF-8 text: save the file as UTF-8") from None
    loader = None
    try:
        loader = _Loader(text)
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "line 1"
        raise BadInput(f"{named}: {place}: not valid YAML here ({_one_line(error.problem)})") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise BadInput(
            f"{named}: line {line}: holds a character that no text has ({error.character!r}): remove it"
        ) from None
    except yaml.YAMLError as error:
        raise BadInput(f"{named}: not valid YAML ({_one_line(error)})") from None
    except RecursionError:
        raise BadInput(f"{named}: values nested more than {DEEPEST} deep: expected a declaration") from None
    except (ValueError, OverflowError) as error:  # what looks like a time or a number and is none
        place = f"line {loader.line + 1}: " if loader is not None else ""
        raise BadInput(
            f"{named}: {place}holds what looks like a time or a number and is none ({_one_line(error)}): quote it"
        ) from None
    finally:
        if loader is not None:
            loader.dispose()


def _one_line(message: object) -> str:
    text = " ".join(str(message).split())
    return text if len(text) <= 200 else f"{text[:197]}..."


def is_identifier(value: object, *, longest: int = 63) -> bool:
    """Whether `value` may be the name of a process, system, seed or table of ours, and so part of SQL: lower-case
    letters, digits and underscores, beginning with a letter."""
    return isinstance(value, str) and len(value) <= longest and _IDENTIFIER.fullmatch(value) is not None
