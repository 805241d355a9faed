"""Input that nobody should send, each with the words that the refusal must have.

Made in memory or streamed to disk; nothing is taken from anywhere. Every entry is refused whole: one line, nothing published.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Malformed:
    """One input. write: makes the file at a path. said: what its refusal must say (lower case is compared)."""

    name: str
    write: Callable[[Path], object]
    said: str = ""
    options: tuple[str, ...] = ()
    file: str = "input"

    def __str__(self) -> str:
        return self.name


def made(name: str, content: str | bytes, said: str = "", *options: str, file: str = "input") -> Malformed:
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return Malformed(name, lambda path: path.write_bytes(data), said, options, file)


INJECTIONS = (
    'a"; drop table x; --',
    "a'; drop table x; --",
    "a) ; drop schema raw cascade; --",
    "{{ env_var('HOME') }}",
    "{% do run_query('drop table x') %}",
    "../../etc/passwd",
    "a b",
    "A",
    "é",
    "ſource",
    "1a",
    "a" * 64,
    "a\nb",
    "a\u202eb",
    "pg_catalog.pg_class",
    "",
)
