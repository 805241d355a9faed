"""The statements that dbt sends for a build, kept: a later build that differs in values alone sends them again without dbt.

dbt takes most of a second to find out, each night anew, what it will send. Whoever may have it kept gives dbt placeholders
for the values that change from night to night; the statements are sent with the values and kept with the placeholders.
They are kept by the content of the project and by everything else that dbt is told. Statements that fail are forgotten, and
dbt is asked: it knows how to go on from any state of the tables.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import wraps
from graphlib import TopologicalSorter
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg

from sluice.planning import LITTLE_STATISTICS
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
class Node:
    """A model or seed. after: the nodes that must be made before it. statements: in their order, `commit` among them."""

    after: tuple[str, ...]
    statements: tuple[str, ...]


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

    def read(self) -> dict[str, Node] | None:
        """The nodes by name; None: they are not known."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            nodes = {name: Node(tuple(after), tuple(statements)) for name, after, statements in found}
            _in_order(nodes)
            return nodes if all(nodes.keys() >= {*node.after} for node in nodes.values()) else None
        except (OSError, ValueError, TypeError):
            return None

    def keep(self, nodes: Mapping[str, Node]) -> None:
        """Write them, instead of all others in the folder."""
        fresh = self.path.with_suffix(".fresh")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump([(name, node.after, node.statements) for name, node in nodes.items()], file)
        fresh.replace(self.path)
        for other in set(self.folder.glob("statements-*.json")) - {self.path}:
            other.unlink(missing_ok=True)

    def send(self, url: str, values: Mapping[str, str | int], *, connections: int) -> list[str] | None:
        """Send them to the database with these values, those of so many nodes at a time; the names of the nodes that they
        made. None: there are none, or they failed, and dbt is to be asked."""
        nodes = self.read()
        if nodes is None:
            return None
        order = _in_order(nodes)
        running: dict[Future[None], tuple[str, psycopg.Connection]] = {}
        waiting: list[str] = []
        try:
            with ExitStack() as opened, ThreadPoolExecutor(connections) as threads:
                idle = [opened.enter_context(connect(url)) for _ in range(connections)]
                for db in idle:
                    db.execute(f"set {LITTLE_STATISTICS}")
                while order.is_active():
                    waiting += order.get_ready()
                    while waiting and idle:
                        name, db = waiting.pop(0), idle.pop()
                        running[threads.submit(_send, db, nodes[name], values)] = name, db
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        name, db = running.pop(done)
                        done.result()
                        idle.append(db)
                        order.done(name)
        except psycopg.Error as error:
            if not is_lost(error):  # of another state of the tables, or of the project's own faults: dbt will say
                self.path.unlink(missing_ok=True)
            return None
        return list(nodes)


def _in_order(nodes: Mapping[str, Node]) -> TopologicalSorter:
    """Of nodes that do not wait for each other; ValueError otherwise."""
    order = TopologicalSorter({name: node.after for name, node in nodes.items()})
    order.prepare()
    return order


def _send(db: psycopg.Connection, node: Node, values: Mapping[str, str | int]) -> None:
    for is_commit, statements in groupby(node.statements, key=lambda statement: statement == _COMMIT):
        if is_commit:
            db.commit()
        else:  # in one message
            db.execute("\n;\n".join(with_values(statement, values) for statement in statements))
    db.commit()


class Recorder:
    """Hears what this process's dbt sends, by node, and has the values sent instead of their placeholders. is_rehearsal: of
    what it would send for nodes nothing is sent but its questions.
    """

    def __init__(self, values: Mapping[str, str | int], *, is_rehearsal: bool = False) -> None:
        self._values, self._is_rehearsal = values, is_rehearsal
        self._heard: dict[str, list[str]] = {}
        self._asked: set[str] = set()

    def listen(self) -> None:
        """From now on; for the rest of the process."""
        from dbt.adapters.contracts.connection import AdapterResponse
        from dbt.adapters.postgres.connections import PostgresConnectionManager as Manager
        from dbt_common.clients.agate_helper import empty_table
        from dbt_common.events.contextvars import get_node_info

        def note(statement: str | None) -> bool:
            """Whether it is to be sent."""
            node = get_node_info().get("unique_id")
            if node and statement is None:
                self._asked.add(node)
            elif node:
                self._heard.setdefault(node, []).append(statement)
            return node is None or statement is None or not self._is_rehearsal

        add_query, execute, commit = Manager.add_query, Manager.execute, Manager.add_commit_query

        @wraps(add_query)
        def sending(manager: Manager, sql: str, *others: Any, **named: Any) -> Any:
            return add_query(manager, with_values(sql, self._values), *others, **named)

        @wraps(execute)
        def executing(
            manager: Manager, sql: str, auto_begin: bool = False, fetch: bool = False, limit: int | None = None
        ) -> Any:
            if note(None if fetch else sql):
                return execute(manager, sql, auto_begin, fetch, limit)
            if auto_begin and not manager.get_thread_connection().transaction_open:
                manager.begin()  # which sends nothing: the first statement would open it
            return AdapterResponse("rehearsed"), empty_table()

        @wraps(commit)
        def committing(manager: Manager) -> Any:
            return commit(manager) if note(_COMMIT) else None

        Manager.add_query, Manager.execute, Manager.add_commit_query = sending, executing, committing

    def nodes(self, after: Mapping[str, Iterable[str]]) -> dict[str, Node] | None:
        """What was heard of nodes (after: unique id -> the ids of those that must be made before it), by unique id; None: it
        may be something else another time, as a node asked the database something first."""
        if self._asked.intersection(after):
            return None
        return {node: Node(tuple(before), tuple(self._heard.get(node, ()))) for node, before in after.items()}
