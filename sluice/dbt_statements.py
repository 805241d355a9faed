"""The statements that dbt sends for a build, kept: a later build that differs in values alone sends them again without dbt.

dbt takes most of a second to find out, each night anew, what it will send. Whoever may have it kept gives dbt placeholders
for the values that change from night to night; the statements are sent with the values and kept with the placeholders.
They are kept by the content of the project and by everything else that dbt is told. Statements that fail are forgotten, and
dbt is asked: it knows how to go on from any state of the tables.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg

from sluice.warehouse import connect
from sluice.warehouse.connection import is_lost

_COMMIT = "commit"
_FIRST_NUMBER = 7_318_264_950_100_000_000  # of the placeholders of integers, which dbt may take for a number; a bigint
_STEP = 1_000_003


def is_plain(name: str, paths: Iterable[Path]) -> bool:
    """Whether these files of a project put the variable `name` into statements as it is, and ask nothing else of it."""
    used = re.compile(rf"\bvar\(\s*['\"]{name}['\"]")
    as_it_is = re.compile(rf"\{{\{{-?\s*var\(\s*['\"]{name}['\"]\s*\)\s*(?:\|\s*int\s*)?-?\}}\}}")
    texts = [path.read_text(encoding="utf-8") for path in paths if path.suffix in (".sql", ".yml")]
    return all(len(used.findall(text)) == len(as_it_is.findall(text)) for text in texts)


def placeholders(values: Mapping[str, str | int]) -> dict[str, str | int]:
    """What stands for each of the values: a text for a text, a number for a number."""
    return {
        name: f"@sluice:{name}@" if isinstance(value, str) else _FIRST_NUMBER + place * _STEP
        for place, (name, value) in enumerate(sorted(values.items()))
    }


def with_values(statement: str, values: Mapping[str, str | int]) -> str:
    """A statement with the values where their placeholders are."""
    for name, placeholder in placeholders(values).items():
        statement = statement.replace(str(placeholder), str(values[name]))
    return statement


@dataclass(frozen=True)
class KeptStatements:
    """Where the statements of one kind of build are kept: a file in `folder`, of which there is one at a time.

    told: everything that decides the statements but the values that change.
    """

    folder: Path
    told: str

    @property
    def path(self) -> Path:
        return self.folder / f"statements-{sha256(self.told.encode()).hexdigest()[:32]}.json"

    def read(self) -> list[tuple[str, list[str]]] | None:
        """(node, its statements), in an order in which they can be sent; None: they are not known."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            return [(str(node), [str(statement) for statement in statements]) for node, statements in found]
        except (OSError, ValueError, TypeError):
            return None

    def keep(self, nodes: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Write them, instead of all others in the folder."""
        fresh = self.path.with_suffix(".fresh")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(nodes, file)
        fresh.replace(self.path)
        for other in set(self.folder.glob("statements-*.json")) - {self.path}:
            other.unlink(missing_ok=True)

    def send(self, url: str, values: Mapping[str, str | int]) -> list[str] | None:
        """Send them to the database with these values; the names of the nodes that they made. None: there are none, or
        they failed, and dbt is to be asked."""
        nodes = self.read()
        if nodes is None:
            return None
        try:
            with connect(url) as db:
                for _, statements in nodes:
                    for statement in statements:
                        if statement == _COMMIT:
                            db.commit()
                        else:
                            db.execute(with_values(statement, values))
                    db.commit()
        except psycopg.Error as error:
            if not is_lost(error):  # of another state of the tables, or of the project's own faults: dbt will say
                self.path.unlink(missing_ok=True)
            return None
        return [node for node, _ in nodes]


class Recorder:
    """Hears what this process's dbt sends, by node, and has the values sent instead of their placeholders."""

    def __init__(self, values: Mapping[str, str | int]) -> None:
        self._values = values
        self._heard: dict[str, list[str]] = {}
        self._asked: set[str] = set()

    def listen(self) -> None:
        """From now on; for the rest of the process."""
        from dbt.adapters.postgres.connections import PostgresConnectionManager as Manager
        from dbt_common.events.contextvars import get_node_info

        def note(statement: str | None) -> None:
            node = get_node_info().get("unique_id")
            if node and statement is None:
                self._asked.add(node)
            elif node:
                self._heard.setdefault(node, []).append(statement)

        add_query, execute, commit = Manager.add_query, Manager.execute, Manager.add_commit_query

        @wraps(add_query)
        def sending(manager: Manager, sql: str, *others: Any, **named: Any) -> Any:
            return add_query(manager, with_values(sql, self._values), *others, **named)

        @wraps(execute)
        def executing(
            manager: Manager, sql: str, auto_begin: bool = False, fetch: bool = False, limit: int | None = None
        ) -> Any:
            note(None if fetch else sql)
            return execute(manager, sql, auto_begin, fetch, limit)

        @wraps(commit)
        def committing(manager: Manager) -> Any:
            note(_COMMIT)
            return commit(manager)

        Manager.add_query, Manager.execute, Manager.add_commit_query = sending, executing, committing

    def statements(self, nodes: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]] | None:
        """Those of the nodes (unique id, name), which are given in the order in which they were done; None: they may be
        others another time, as a node asked the database something first."""
        nodes = list(nodes)
        if self._asked.intersection(node for node, _ in nodes):
            return None
        return [(name, self._heard.get(node, [])) for node, name in nodes]
