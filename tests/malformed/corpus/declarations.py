"""Malformed YAML: declarations of processes and of source tables."""

# ruff: noqa: E501 - one input a line
import gzip
from collections.abc import Iterator

from tests.malformed.corpus.made import INJECTIONS, Malformed, made

_LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(12)
)
# (name, text, said): no file of ours may read like this, whichever it is
_NO_YAML: tuple[tuple[str, str | bytes, str], ...] = (
    ("empty", "", "expected"),
    ("comment", "# nothing else\n", "expected"),
    ("only a text", "purchase", "expected"),
    ("only a number", "42", "expected"),
    ("only a list", "- a\n- b\n", "expected"),
    ("null", "null", "expected"),
    ("two documents", "a: 1\n---\nb: 2\n", "valid yaml"),
    ("tab indent", "a:\n\tb: 1\n", "line 2"),
    ("bracket left open", "process: [a, b\n", "valid yaml"),
    ("brace left open", "process: {a: b\n", "valid yaml"),
    ("quote left open", 'process: "abc\ntitle: x\n', "valid yaml"),
    ("single quote left open", "process: 'abc\n", "valid yaml"),
    ("percent", "process: %a\n", "valid yaml"),
    ("at", "process: @a\n", "valid yaml"),
    ("backtick", "process: `a`\n", "valid yaml"),
    ("two colons", "process: a: b\n", "line 1"),
    ("bad indent", "a:\n  b: 1\n c: 2\n", "line 3"),
    ("nul", "process: a\x00b\n", "character"),
    ("bell", "process: a\x07b\n", "character"),
    ("escape", "process: \x1b[31mred\n", "character"),
    ("lone surrogate", b"process: \xed\xa0\x80\n", "utf-8"),
    ("latin-1", "title: Büro\n".encode("latin-1"), "line 1"),
    ("utf-16", "process: a\n".encode("utf-16"), "utf-8"),
    ("utf-32", "process: a\n".encode("utf-32"), "utf-8"),
    ("random bytes", bytes(range(256)) * 4, "utf-8"),
    ("gzip", gzip.compress(b"process: a\n"), "utf-8"),
    ("cycle", "process: &a [*a]\n", "alias"),
    ("cycle of a mapping", "process: &a {b: *a}\n", "alias"),
    ("billion laughs", _LAUGHS, "alias"),
    ("merge bomb", "a: &a {x: 1}\nb: {<<: *a}\n", "alias"),
    ("unknown alias", "process: *nobody\n", "alias"),
    ("python object", "process: !!python/object/apply:os.system ['true']\n", "tag"),
    ("python name", "process: !!python/name:os.system\n", "tag"),
    ("python module", "process: !!python/module:os\n", "tag"),
    ("python tuple", "process: !!python/tuple [a]\n", "tag"),
    ("tag of one's own", "process: !mine a\n", "tag"),
    ("binary tag", "process: !!binary AAAA\n", "tag"),
    ("set tag", "process: !!set {a, b}\n", "tag"),
    ("deep list", "a: " + "[" * 5000 + "]" * 5000, "nested"),
    ("deep mapping", "a: " + "{a: " * 5000 + "1" + "}" * 5000, "nested"),
    ("deep by indent", "".join(" " * n + f"k{n}:\n" for n in range(200)), "nested"),
    ("key twice", "process: a\nprocess: b\n", "second time"),
    ("list as key", "? [a, b]\n: 1\n", "key"),
    ("mapping as key", "? {a: b}\n: 1\n", "key"),
    ("no such day", "process: 2020-13-45\n", "time or a number"),
    ("no such time", "process: 2020-01-01 99:99:99\n", "time or a number"),
    ("number of 9000 digits", "process: " + "9" * 9000 + "\n", "time or a number"),
    ("two megabytes", "# " + "x" * 2_000_000 + "\n", "larger than"),
    ("100000 keys", "".join(f"k{n}: 1\n" for n in range(60_000)), ""),
    ("html", "<html><body>404</body></html>", "expected"),
    ("json cut off", '{"process": "a", "title": ', "valid yaml"),
    ("undefined directive", "%FOO bar\n--- {}\n", ""),
)


def _dump(values: dict) -> str:
    import json

    return json.dumps(values)  # JSON is YAML, and says exactly what it means


PROCESS = {
    "process": "input",
    "title": "A process",
    "sources": ["odoo"],
    "case": "one order",
    "activities": "input__activities",
}
_WRONG: dict[str, tuple[object, ...]] = {
    "process": ("other", 1, None, [], {}, True, "Input", 'input"; drop table x; --'),
    "title": (None, "", 1, [], {"a": 1}, True, "x" * 100_000, "a\x00b"),
    "sources": (None, [], "odoo", {"odoo": 1}, [1], [["odoo"]], [None], *([one] for one in INJECTIONS)),
    "case": (None, "", 3.5, ["one"], False),
    "activities": (None, 1, ["a"], *INJECTIONS),
    "order": ([], "occurred_at", ["occurred_at", "occurred_at"], ["nothing"], [1], ["occurred_at; drop table x"], {}),
    "closing_activities": ("Pay", {"Pay": 1}, [1], [["Pay"]]),
    "k_anonymity": (0, 1, -5, 5.0, "5", None, [], True, float("nan"), 1e300),
    "case_level_public": ("yes please", 1, None, [], 0),
    "future_tolerance": (
        "soon",
        1,
        "1 fortnight",
        "-1 day",
        "1e9 days",
        None,
        "9" * 40 + " days",
        ["1 day"],
        "1 day; x",
    ),
    "checks": ("all", 1, ["a"], True),
    "description": (1, ["a"], {"a": 1}, "x" * 10_000),
    "extra_tables": ("actions", 1, {"a": 1}, [1], *([one] for one in INJECTIONS)),
    "nonsense": (1,),
    "process ": ("input",),
    "a\nb": (1,),
    'x"; drop table x; --': (1,),
}
_WRONG_CHECKS: tuple[dict, ...] = (
    {"nonsense": 1},
    {"severity": "warn"},
    {"severity": ["warn"]},
    {"severity": {"no_such_check": "warn"}},
    {"severity": {"not_in_future": "loud"}},
    {"severity": {"not_in_future": ["block"]}},
    {"severity": {"x'; drop table y; --": "warn"}},
    {"earliest": "yesterday"},
    {"earliest": 1970},
    {"earliest": "1970-01-01'; drop table x"},
    {"source_zone": "Mars/Olympus"},
    {"source_zone": "../../etc/passwd"},
    {"source_zone": 1},
    {"wall_times": "yes please"},
    {"max_quarantined_share": "many"},
    {"max_quarantined_cases": "many"},
    {"max_open_days": "long"},
    {"max_age": "old"},
    {"ends_after": "a"},
    {"ends_after": [["a"]]},
    {"ends_after": [['a"; drop table x; --', "b"]]},
    {"order": "a"},
    {"order": [["a"]]},
    {"start_activities": 1},
    {"categories": 'a"; drop table x; --'},
    {"references": "a"},
    {"patterns": ["a"]},
)


def process_files() -> Iterator[Malformed]:
    """processes/input.yml, for load_process and the gate's reading of its checks."""
    for name, text, said in _NO_YAML:
        yield made(f"process {name}", text, said)
    yield Malformed("process is a folder", lambda path: path.mkdir(), "cannot be read")
    for key, values in _WRONG.items():
        for number, value in enumerate(values):
            yield made(f"process key {key!r} {number}", _dump(PROCESS | {key: value}))
    for key in PROCESS:
        yield made(
            f"process without {key}", _dump({name: value for name, value in PROCESS.items() if name != key}), key
        )
    for number, checks in enumerate(_WRONG_CHECKS):
        yield made(f"process checks {number} {next(iter(checks))}", _dump(PROCESS | {"checks": checks}))


TABLE = {"key": ["id"], "cursor": "write_date", "columns": ["id", "write_date"]}
SYSTEM = {"system": "input", "schema": "public", "tables": {"orders": TABLE}}


def table_files() -> Iterator[Malformed]:
    """extractors/input/tables.yml, for load_spec."""
    for name, text, said in _NO_YAML:
        yield made(f"tables {name}", text, said)
    wrong_system: dict[str, tuple] = {
        "system": ("other", 1, None, 'input"; drop'),
        "schema": (1, None, ["public"], *(one for one in INJECTIONS if one not in ("A", "é", "a" * 64)), "a" * 64),
        "timezone": ("Mars/Olympus", 1, "../../etc/passwd", "", ["UTC"], "UTC'; x"),
        "overlap": ("2", 2, "two days", "-1 days", "2 weeks", "9999999999999 days", "2 days; x", None, []),
        "title": (1, [], {}, "x" * 1000, "a\x00b"),
        "tables": (None, [], {}, "orders", 1, {'a"; drop table x; --': TABLE}, {"orders": None}, {"orders": []}, {1: TABLE}),
        "pseudonyms": (1, [], {}, {"user": 1}, {"user": {"table": "orders"}}, {"user": {"table": "nobody", "key": "id", "identity": "l"}}),
        "nonsense": (1,),
    }  # fmt: skip
    for key, values in wrong_system.items():
        for number, value in enumerate(values):
            yield made(f"tables {key} {number}", _dump(SYSTEM | {key: value}))
    wrong_table: dict[str, tuple] = {
        "key": (None, [], "id", ["nothing"], [1], [["id"]], ['id"; drop table x; --']),
        "cursor": ("nothing", 1, ["write_date"], 'write_date"; --'),
        "columns": (None, [], "id", [1], [["id"]], ["id", "id"], ["id", "_version"], [{"name": "id"}], [{"name": "id", "expression": 1}],
                    [{"name": "a b", "expression": "1"}], ["id", "{{ x }}"], ["id", "a'b"], ["id", "K"], [None]),
        "where": (1, [], {}, "", "a\x00b", True),
        "index": ("id", [1], ["nothing"], [{"columns": ["nothing"]}], [{"nonsense": 1}], [[["id"]]]),
        "users": ("id", [1], ["nothing"]),
        "partners": ({"id": 1}, ["nothing"]),
        "reference": ("yes please", 1, None, []),
        "personal": ("id", ["id"], [1], ['x"; drop table y']),
        "nonsense": (1,),
    }  # fmt: skip
    for key, values in wrong_table.items():
        for number, value in enumerate(values):
            yield made(f"table's {key} {number}", _dump(SYSTEM | {"tables": {"orders": TABLE | {key: value}}}))
