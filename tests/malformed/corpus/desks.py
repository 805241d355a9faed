"""Malformed recordings of desktop agents, and person maps."""

# ruff: noqa: E501 - one input a line
import gzip
from collections.abc import Iterator

from tests.malformed.corpus.made import Malformed, made
from tests.malformed.corpus.packed import TRICKS, sparse, tarred, zeros, zipped

_RPA = "timestamp,user,category,application,event_type,event_src_path,clipboard_content\n"
_WATCH = '{"buckets": {"w": {"id": "w", "type": "currentwindow", "client": "c", "hostname": "h", "events": [%s]}}}'


def agent_files() -> Iterator[Malformed]:
    """Files in the drop folder of the agents; each is refused with a reason and lands no row."""
    smart = "timestamp,user,category,application,event_type,clipboard_content\n"
    texts: tuple[tuple[str, str | bytes, str, str], ...] = (
        ("binary", bytes(range(256)) * 10, "a.csv", "utf-8"),
        ("zip with path tricks", zipped(TRICKS), "a.zip", ""),
        ("tar with path tricks", tarred(TRICKS), "a.tar", ""),
        ("tar.gz with path tricks", tarred(TRICKS | {"../x": b"y"}, "w:gz"), "a.tar.gz", ""),
        ("workbook", zipped({"xl/workbook.xml": b"<x/>"}), "a.xlsx", ""),
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
    yield Malformed("agent gz bomb of 300 MB", lambda path: zeros(path, 300 << 20, smart.encode()), "larger than", (), "a.csv.gz")  # fmt: skip
    yield Malformed("agent sparse file of 1 GB", lambda path: sparse(path, 1 << 30, smart.encode()), "larger than", (), "b.csv")  # fmt: skip


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
        ("workbook", zipped({"xl/workbook.xml": b"<x/>"}), ""),
    ):
        yield made(f"person map {name}", content, said)
    yield Malformed("person map is a folder", lambda path: path.mkdir(), "cannot be read")
