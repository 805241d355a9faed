"""Input that nobody should send: declarations, logs and recordings, each with the words that the refusal must have.

Made in memory or streamed to disk; nothing is taken from anywhere. Every entry is refused whole: one line, nothing published.
"""

# ruff: noqa: E501 - one input a line
import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
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

# -- YAML -----------------------------------------------------------------------------------------------------------

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


# -- event logs -----------------------------------------------------------------------------------------------------

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="1.0">\n'


def _event(name: str = "a", time: str = "2020-01-01T10:00:00Z", more: str = "") -> str:
    return (
        f'<event><string key="concept:name" value="{name}"/><date key="time:timestamp" value="{time}"/>{more}</event>\n'
    )


def _trace(body: str, case: str = "c1") -> str:
    return f'<trace><string key="concept:name" value="{case}"/>\n{body}</trace>\n'


_GOOD = HEAD + "".join(_trace(_event() + _event("b"), f"c{n}") for n in range(50)) + "</log>\n"
_BOMB = (
    '<?xml version="1.0"?><!DOCTYPE log [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12))
    + ']><log><trace><string key="concept:name" value="&m;"/></trace></log>'
)


def _zeros(path: Path, size: int, before: bytes, fill: bytes = b"x") -> None:
    """A file with a long run of the same byte, packed: small on disk."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(before)
        block = fill * (1 << 20)
        for _ in range(size >> 20):
            file.write(block)


def _sparse(path: Path, size: int, before: bytes) -> None:
    """A file of NULs that takes no room."""
    with open(path, "wb") as file:
        file.write(before)
        file.truncate(size)


def _zip(names: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _tar(names: dict[str, bytes], mode: str = "w") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for name, content in names.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return packed.getvalue()


_TRICKS = {"../../../etc/cron.d/x": b"case,activity,time\n", "/etc/passwd": b"x", "C:\\x": b"x"}


def xes_files() -> Iterator[Malformed]:
    """XES and XES.gz, for `sluice import-log`."""
    texts: tuple[tuple[str, str | bytes, str], ...] = (
        ("empty", "", "is empty"),
        ("blank", " \n\t\n", "is empty"),
        ("bom alone", b"\xef\xbb\xbf", ""),
        ("no root", "<?xml version='1.0'?>", "no element found"),
        ("html", "<html><body/></html>", "<html>"),
        ("svg", '<svg xmlns="http://www.w3.org/2000/svg"/>', "<svg>"),
        ("log left open", "<log>", "cut off"),
        ("empty log", HEAD + "</log>", "no event"),
        ("traces without events", HEAD + _trace("") * 3 + "</log>", "no event"),
        ("mismatched", HEAD + "<trace></event></log>", "mismatched tag"),
        ("two roots", HEAD + "</log><log></log>", "junk after"),
        ("text after", _GOOD + "more", "junk after"),
        ("attribute twice", HEAD + '<trace a="1" a="2"></trace></log>', "duplicate attribute"),
        ("no quotes", HEAD + "<trace a=1></trace></log>", "not well-formed"),
        ("stray <", HEAD + _trace(_event("a < b")) + "</log>", "not well-formed"),
        ("stray &", HEAD + _trace(_event("a & b")) + "</log>", ""),
        ("unknown entity", HEAD + _trace(_event("&nobody;")) + "</log>", "undefined entity"),
        ("nul", HEAD + _trace(_event("a\x00")) + "</log>", "invalid token"),
        ("nul reference", HEAD + _trace(_event("a&#0;")) + "</log>", "character number"),
        ("control character", HEAD + _trace(_event("a\x01")) + "</log>", "invalid token"),
        ("surrogate reference", HEAD + _trace(_event("a&#xD800;")) + "</log>", "character number"),
        ("beyond unicode", HEAD + _trace(_event("a&#x110000;")) + "</log>", "character number"),
        ("latin-1 as utf-8", (HEAD + _trace(_event("Prüfung")) + "</log>").encode("latin-1"), "encoding"),
        ("cut inside a character", (HEAD + _trace(_event("Prü"))).encode()[:-60], ""),
        ("utf-16 called utf-8", HEAD.encode("utf-16"), ""),
        ("unknown encoding", '<?xml version="1.0" encoding="klingon"?><log></log>', "encoding"),
        ("ebcdic", '<?xml version="1.0" encoding="cp037"?><log></log>', ""),
        ("wrong xml version", '<?xml version="9.9"?><log></log>', ""),
        ("second declaration", HEAD + '<?xml version="1.0"?></log>', ""),
        ("entity bomb", _BOMB, "entity"),
        ("quadratic bomb", f'<!DOCTYPE log [<!ENTITY a "{"a" * 50_000}">]><log>{"&a;" * 1000}</log>', "entity"),
        ("external entity", '<!DOCTYPE log [<!ENTITY x SYSTEM "file:///etc/passwd">]><log>&x;</log>', "entity"),
        ("external entity by http", '<!DOCTYPE log [<!ENTITY x SYSTEM "http://127.0.0.1:1/">]><log>&x;</log>', "entity"),
        ("parameter entity", '<!DOCTYPE log [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x.dtd"> %x;]><log/>', "entity"),
        ("entity of itself", '<!DOCTYPE log [<!ENTITY x "&x;">]><log>&x;</log>', "entity"),
        ("public entity", '<!DOCTYPE log [<!ENTITY x PUBLIC "a" "file:///dev/zero">]><log>&x;</log>', "entity"),
        ("include", HEAD + '<xi:include href="file:///etc/passwd" xmlns:xi="http://www.w3.org/2001/XInclude"/></log>', "no event"),
        ("deep nesting", HEAD + "<trace>" + '<string key="a" value="b">' * 50_000, "nested more than"),
        ("deep events", HEAD + "<trace><event>" + "<list>" * 50_000, "nested more than"),
        ("100000 attributes", HEAD + "<trace " + " ".join(f'a{n}="1"' for n in range(100_000)) + "></trace></log>", "no event"),
        ("event outside", HEAD + _event() + "</log>", "no row can be used"),
        ("trace without name", HEAD + f"<trace>{_event()}</trace></log>", "no concept:name"),
        ("event without name", HEAD + _trace('<event><date key="time:timestamp" value="2020-01-01T10:00:00Z"/></event>') + "</log>", "concept:name"),
        ("event without time", HEAD + _trace('<event><string key="concept:name" value="a"/></event>') + "</log>", "time:timestamp"),
        ("naive time", HEAD + _trace(_event(time="2020-01-01T10:00:00")) + "</log>", "--timezone"),
        *(
            (f"time {time[:30]!r}", HEAD + _trace(_event(time=time)) + "</log>", "time:timestamp")
            for time in ("yesterday", "2020-13-01T00:00:00Z", "2020-02-30T00:00:00Z", "infinity", "-infinity", "NaN",
                         "294277-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "-0044-03-15T00:00:00Z", "2020-01-01T25:00:00Z",
                         "2020-01-01T10:00:00+99:00", "1e9", "", " ", "now()", "2020-01-01'; drop table x; --", "9" * 5000)
        ),
        ("name too long", HEAD + _trace(_event("x" * 501)) + "</log>", "more than 500"),
        ("case too long", HEAD + _trace(_event(), "x" * 501) + "</log>", "more than 500"),
        ("lifecycle too long", HEAD + _trace(_event(more=f'<string key="lifecycle:transition" value="{"x" * 501}"/>')) + "</log>", "more than 500"),
    )  # fmt: skip
    for name, text, said in texts:
        yield (
            made(f"xes {name}", text, said, "--format", "xes")
            if name in ("bom alone", "utf-16 called utf-8")
            else made(f"xes {name}", text, said)
        )
    packed = gzip.compress(_GOOD.encode(), mtime=0)
    yield made("xes gz cut", packed[: len(packed) // 2], "cut off")
    yield made("xes gz header alone", packed[:10], "")
    yield made("xes gz two bytes", packed[:2], "")
    yield made("xes gz damaged", packed[:60] + bytes([packed[60] ^ 0xFF]) + packed[61:], "")
    yield made("xes gz bad checksum", packed[:-8] + b"\0" * 8, "damaged")
    yield made("xes gz rubbish after", packed + b"rubbish", "damaged")
    yield made("xes gz twice", gzip.compress(packed), "")
    yield made("xes gz of nothing", gzip.compress(b""), "is empty")
    yield Malformed(
        "xes gz value of 60 MB",
        lambda path: _zeros(path, 60 << 20, HEAD.encode() + b'<trace><string key="concept:name" value="'),
        "longer than 10 mb",
    )
    yield Malformed("xes gz of 60 MB of blanks", lambda path: _zeros(path, 60 << 20, HEAD.encode(), b" "), "cut off")


def csv_files() -> Iterator[Malformed]:
    """CSV, plain or packed, for `sluice import-log`."""
    head = "case,activity,time\n"
    good = "c1,a,2020-01-01T10:00:00Z\n"
    texts: tuple[tuple[str, str | bytes, str], ...] = (
        ("empty", "", "is empty"),
        ("line ends alone", "\r\n\r\n", "is empty"),
        ("bom alone", "\ufeff", ""),
        ("header alone", head, "no event"),
        ("header without line end", head.strip(), "no event"),
        ("one column", "case\nc1\n", "no column is known"),
        ("unknown columns", "x,y,z\n1,2,3\n", "no column is known"),
        ("no activity", "case,time\nc1,2020-01-01T10:00:00Z\n", "activity"),
        ("column twice", "case,case,activity,time\n" + "c1," + good, "2 times"),
        ("column three times", "case,activity,activity,activity,time\nc,a,a,a,2020-01-01T10:00:00Z\n", "3 times"),
        ("401 columns", ",".join(f"c{n}" for n in range(401)) + "\n", "401 columns"),
        ("100000 columns", ",".join(f"c{n}" for n in range(100_000)) + "\n", "100000 columns"),
        ("nul in the header", "case\x00,activity,time\n" + good, "binary"),
        ("quote never closed", head + '"c1,a,2020-01-01T10:00:00Z\n' + good * 3, "never closed"),
        ("quote never closed in the header", '"case,activity,time\n' + good, "never closed"),
        ("quote inside", head + '"c1"x,a,2020-01-01T10:00:00Z\n', "no csv"),
        ("ragged short", head + "c1,a\n", "has 2 fields"),
        ("ragged long", head + "c1,a,2020-01-01T10:00:00Z,x\n", "has 4 fields"),
        ("nul in a row", head + "c1,a\x00,2020-01-01T10:00:00Z\n", "nul"),
        ("no case", head + ",a,2020-01-01T10:00:00Z\n", "column case is empty"),
        ("no activity in the row", head + "c1,,2020-01-01T10:00:00Z\n", "column activity is empty"),
        ("case too long", head + "x" * 501 + ",a,2020-01-01T10:00:00Z\n", "longer than 500"),
        ("activity too long", head + "c1," + "x" * 501 + ",2020-01-01T10:00:00Z\n", "longer than 500"),
        ("field too long", head + "c1," + "x" * 140_000 + ",2020-01-01T10:00:00Z\n", "longer than 131,072"),
        ("quoted field too long", head + 'c1,"' + "x\n" * 80_000 + '",2020-01-01T10:00:00Z\n', "never closed"),
        ("line of 11 MB", head + "c1,a," + "x," * 5_500_000, "longer than 10 mb"),
        ("header of 11 MB", "x" * 11_000_000, "longer than 10 mb"),
        ("naive time", head + "c1,a,2020-01-01 10:00\n", "--timezone"),
        ("latin-1", (head + "c1,Prüfung,2020-01-01T10:00:00Z\n").encode("latin-1"), "line 2"),
        ("latin-1 in the header", "case,activity,Zeit für\n".encode("latin-1"), "line 1"),
        ("cp1252 quotes", (head + "c1,“a”,2020-01-01T10:00:00Z\n").encode("cp1252"), "--encoding"),
        ("utf-16 without bom", (head + good).encode("utf-16-le"), "binary"),
        ("utf-16 cut", (head + good).encode("utf-16")[:-1], ""),
        ("utf-16 odd bom", b"\xff\xfe" + b"\xd8\x00" * 9, ""),
        ("utf-32", (head + good).encode("utf-32"), ""),
        ("overlong utf-8", head.encode() + b"c1,\xc0\x80,2020-01-01T10:00:00Z\n", "line 2"),
        ("surrogates in utf-8", head.encode() + b"c1,\xed\xa0\x80,2020-01-01T10:00:00Z\n", "line 2"),
        ("utf-8 cut inside a character", (head + "c1,ü").encode()[:-1], "line 2"),
        ("binary", bytes(range(256)) * 100, ""),
        ("workbook", _zip({"xl/workbook.xml": b"<x/>"}), "binary"),
        ("zip with path tricks", _zip(_TRICKS), "binary"),
        ("tar with path tricks", _tar(_TRICKS), "binary"),
        ("tar.gz with path tricks", _tar(_TRICKS, "w:gz"), "binary"),
        ("tar.bz2", _tar(_TRICKS, "w:bz2"), ""),
        ("tar.xz", _tar(_TRICKS, "w:xz"), ""),
        ("pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", ""),
        ("elf", b"\x7fELF\x02\x01\x01\x00" + bytes(100), "binary"),
        ("parquet", b"PAR1\x15\x04" + bytes(100) + b"PAR1", ""),
        ("json", '[{"case": "c1"}]', "no column is known"),
        *(
            (f"time {time[:30]!r}", head + f'c1,a,"{time}"\n', "time")
            for time in ("yesterday", "2020-13-01T00:00:00Z", "2020-02-30T00:00:00Z", "infinity", "-infinity", "NaN",
                         "294277-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "0044-03-15 BC", "2020-01-01T10:00:00+99:00",
                         "1577872800", "now()", "2020-01-01'; drop table x; --", "1/2/2020", "9" * 5000, "2020-01-01T10:00:00Z extra")
        ),
    )  # fmt: skip
    for name, text, said in texts:
        yield made(f"csv {name}", text, said, *(("--format", "csv") if name in ("bom alone",) else ()))
    mixed = (head.replace("\n", "\r") + good.replace("\n", "\r\n") + ",a,b\n").encode()
    yield made("csv mixed line ends", mixed.replace(b"c1,a,2020-01-01T10:00:00Z", b"c1,,x"), "no row can be used")
    packed = gzip.compress((head + good * 5000).encode(), mtime=0)
    yield made("csv gz cut", packed[: len(packed) // 2], "cut off")
    yield made("csv gz damaged", packed[:40] + bytes([packed[40] ^ 0xFF]) + packed[41:], "")
    yield made("csv called xes", head + good, "no xml", "--format", "xes")
    yield made("csv of an injecting column", head.replace("case", 'x"; drop table y; --') + good, "no column is known")
    for option, value, said in (
        ("--separator", "ab", "--separator"),
        ("--separator", "\x00", "--separator"),
        ("--separator", "\n", "--separator"),
        ("--separator", '"', "--separator"),
        ("--encoding", "nope", "--encoding"),
        ("--encoding", "base64", "--encoding"),
        ("--encoding", "rot13", "--encoding"),
        ("--encoding", "utf-8\x00", "--encoding"),
        ("--timezone", "Mars/Olympus", "--timezone"),
        ("--timezone", "../../etc/passwd", "--timezone"),
        ("--timezone", "/etc/localtime", "--timezone"),
        ("--timezone", "", "--timezone"),
        ("--timestamp-format", "%Q", "--timestamp-format"),
        ("--timestamp-format", "%", "--timestamp-format"),
        ("--case", "nobody", "--case"),
        ("--case", "a\nb", "--case"),
        ("--activity", "activity+nobody", "--activity"),
        ("--resource", 'x"; drop table y; --', "--resource"),
    ):
        naive = head + "c1,a,2020-01-01 10:00\n"
        yield made(f"csv {option} {value!r}", naive if "time" in option else head + good, said, option, value)


def giant_files() -> Iterator[Malformed]:
    """A gigabyte in one field: small on disk, refused without being held in memory."""
    yield Malformed("xes.gz value of 1 GB", lambda path: _zeros(path, 1 << 30, HEAD.encode() + b'<trace><string key="concept:name" value="'), "longer than 10 mb")  # fmt: skip
    yield Malformed("csv.gz field of 1 GB", lambda path: _zeros(path, 1 << 30, b"case,activity,time\nc1,"), "longer than 10 mb")  # fmt: skip
    yield Malformed("csv.gz quoted field of 1 GB", lambda path: _zeros(path, 1 << 30, b'case,activity,time\nc1,"'), "longer than 10 mb")  # fmt: skip
    yield Malformed("csv.gz quoted field of 200 MB in lines", lambda path: _zeros(path, 200 << 20, b'case,activity,time\nc1,"', b"x\n"), "cannot be used")  # fmt: skip
    yield Malformed("sparse csv of 1 GB", lambda path: _sparse(path, 1 << 30, b"case,activity,time\nc1,"), "longer than 10 mb")  # fmt: skip
    yield Malformed("sparse file of 1 GB", lambda path: _sparse(path, 1 << 30, b""), "")


# -- recordings -----------------------------------------------------------------------------------------------------

_RPA = "timestamp,user,category,application,event_type,event_src_path,clipboard_content\n"
_WATCH = '{"buckets": {"w": {"id": "w", "type": "currentwindow", "client": "c", "hostname": "h", "events": [%s]}}}'


def agent_files() -> Iterator[Malformed]:
    """Files in the drop folder of the agents; each is refused with a reason and lands no row."""
    smart = "timestamp,user,category,application,event_type,clipboard_content\n"
    texts: tuple[tuple[str, str | bytes, str, str], ...] = (
        ("binary", bytes(range(256)) * 10, "a.csv", "utf-8"),
        ("zip with path tricks", _zip(_TRICKS), "a.zip", ""),
        ("tar with path tricks", _tar(_TRICKS), "a.tar", ""),
        ("tar.gz with path tricks", _tar(_TRICKS | {"../x": b"y"}, "w:gz"), "a.tar.gz", ""),
        ("workbook", _zip({"xl/workbook.xml": b"<x/>"}), "a.xlsx", ""),
        ("xml", "<log/>", "a.xml", "unknown format"),
        ("text", "hello\n", "a.txt", "unknown format"),
        ("nul", "\x00" * 100, "a.csv", "unknown format"),
        ("latin-1", (smart + "2024-01-01T10:00:00,Jürgen,Browser,Chrome,click,\n").encode("latin-1"), "a.csv", "utf-8"),
        ("utf-16 cut", smart.encode("utf-16")[:-1], "a.csv", "utf-16"),
        ("overlong utf-8", b"timestamp,\xc0\x80\n", "a.csv", "utf-8"),
        ("gz cut", gzip.compress(smart.encode() * 100)[:40], "a.csv.gz", "cut or damaged"),
        ("gz header alone", gzip.compress(b"x")[:10], "a.csv.gz", "cut or damaged"),
        ("gz damaged", gzip.compress(smart.encode(), mtime=0)[:-8] + b"\0" * 8, "a.csv.gz", "cut or damaged"),
        ("gz rubbish after", gzip.compress(smart.encode()) + b"rubbish", "a.csv.gz", "cut or damaged"),
        ("gz twice", gzip.compress(gzip.compress(smart.encode())), "a.csv.gz", ""),
        ("header cut", "timestamp,user,category,appli", "a.csv", ""),
        ("missing column", smart.replace("event_type,", ""), "a.csv", "event_type"),
        ("wrong delimiter", smart.replace(",", "|") + "a|b|c|d|e|f\n", "a.csv", "separated by"),
        ("row cut", smart + "2024-01-01T10:00:00,u,Browser,Chrome,click,x\n2024-01-01T10:00:01,u,Bro", "a.csv", "cut"),
        ("quote open", smart + '2024-01-01T10:00:00,u,Browser,Chrome,click,"x\n', "a.csv", ""),
        ("only ragged rows", smart + "a,b\nc,d\ne,f\n", "a.csv", ""),
        ("only bad times", smart + "yesterday,u,Browser,Chrome,click,x\n" * 3, "a.csv", "none of its 3 rows"),
        *(
            (f"time {time[:20]!r}", smart + f"{time},u,Browser,Chrome,click,x\n", "a.csv", "none of its 1 rows")
            for time in ("infinity", "NaN", "294277-01-01", "0000-01-01", "-0044-03-15", "2024-13-01", "9" * 3000, "now()", "''; drop table x")
        ),
        ("no event type", smart + "2024-01-01T10:00:00,u,Browser,Chrome,,x\n", "a.csv", "none of its 1 rows"),
        ("json cut", _WATCH % "" + "x", "a.json", ""),
        ("json half", (_WATCH % "")[:40], "a.json", "json"),
        ("json list", "[1, 2, 3]", "a.json", "buckets"),
        ("json without buckets", '{"events": []}', "a.json", "buckets"),
        ("json buckets of text", '{"buckets": "x"}', "a.json", "buckets"),
        ("json bucket of text", '{"buckets": {"a": "x"}}', "a.json", "bucket"),
        ("json bucket null", '{"buckets": [null]}', "a.json", "bucket"),
        ("json events of text", '{"buckets": {"a": {"events": "x"}}}', "a.json", "bucket"),
        ("json events null", '{"buckets": {"a": {"events": null}}}', "a.json", "bucket"),
        ("json deep list", "[" * 200_000, "a.json", ""),
        ("json deep object", '{"a":' * 200_000, "a.json", ""),
        ("json deep buckets", '{"buckets": ' + "[" * 100_000 + "]" * 100_000 + "}", "a.json", ""),
        ("json number of 9000 digits", '{"buckets": ' + "9" * 9000 + "}", "a.json", ""),
        ("json nan", '{"buckets": NaN}', "a.json", ""),
        ("json key of 1 MB", '{"' + "x" * 1_000_000 + '": 1}', "a.json", "buckets"),
        ("json single quotes", "{'buckets': {}}", "a.json", "json"),
        ("json with comment", '{"buckets": {} /* x */}', "a.json", "json"),
        ("json control character", '{"buckets": {"a\x01": 1}}', "a.json", "json"),
        ("json bom twice", "\ufeff\ufeff" + _WATCH % "", "a.json", ""),
        *(
            (f"json event {event[:70]}", _WATCH % event, "a.json", "none of its 1 rows")
            for event in ("1", "null", '"x"', "[]", "{}", '{"timestamp": 1}', '{"timestamp": null}', '{"timestamp": "infinity"}',
                          '{"timestamp": "2024-01-01T00:00:00Z", "duration": NaN}',
                          '{"timestamp": "2024-01-01T00:00:00Z", "duration": Infinity}',
                          '{"timestamp": "2024-01-01T00:00:00Z", "duration": -1}',
                          '{"timestamp": "2024-01-01T00:00:00Z", "duration": 1e300}',
                          '{"timestamp": "2024-01-01T00:00:00Z", "duration": "1"}',
                          '{"timestamp": "2024-01-01T00:00:00Z", "duration": true}',
                          '{"timestamp": "2024-01-01T00:00:00Z", "duration": []}',
                          '{"timestamp": "9999-12-31T23:59:59Z", "duration": 100}',
                          '{"timestamp": {"a": 1}}')
        ),
    )  # fmt: skip
    for name, content, file, said in texts:
        yield made(f"agent {name}", content, said, file=file)
    yield Malformed("agent gz bomb of 300 MB", lambda path: _zeros(path, 300 << 20, smart.encode()), "larger than", (), "a.csv.gz")  # fmt: skip
    yield Malformed("agent sparse file of 1 GB", lambda path: _sparse(path, 1 << 30, smart.encode()), "larger than", (), "b.csv")  # fmt: skip


def person_maps() -> Iterator[Malformed]:
    """The file of SLUICE_PERSON_MAP."""
    head = "person,kind,value\n"
    for name, content, said in (
        ("empty", "", "missing"),
        ("other columns", "a,b\n1,2\n", "missing"),
        ("semicolons", head.replace(",", ";") + "x;email;a\n", "missing"),
        ("column twice", "person,kind,value,value\nx,email,a,b\n", "more than once"),
        ("field missing", head + "x,email\n", "expected 3 fields"),
        ("field too many", head + "x,email,a,b\n", "expected 3 fields"),
        ("unknown kind", head + "x,telephone,a\n", "column kind"),
        ("no person", head + ",email,a\n", "column person"),
        ("no value", head + "x,email,\n", "column value"),
        ("one login of two", head + "x,email,a\ny,email,A\n", "another person"),
        ("nul", head + "x,email,a\x00b\n", "nul"),
        ("quote left open", head + 'x,email,"a\ny,email,b\n', "no csv"),
        ("field too long", head + "x,email," + "x" * 200_000 + "\n", "no csv"),
        ("latin-1", (head + "Jürgen,email,a\n").encode("latin-1"), "utf-8"),
        ("utf-16", (head + "x,email,a\n").encode("utf-16"), "utf-8"),
        ("workbook", _zip({"xl/workbook.xml": b"<x/>"}), ""),
    ):
        yield made(f"person map {name}", content, said)
    yield Malformed("person map is a folder", lambda path: path.mkdir(), "cannot be read")
