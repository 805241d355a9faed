"""Malformed event logs: XES, CSV, archives, files of a gigabyte."""

# ruff: noqa: E501 - one input a line
import gzip
from collections.abc import Iterator

from tests.malformed.corpus.made import Malformed, made
from tests.malformed.corpus.packed import TRICKS, sparse, tarred, zeros, zipped

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
        lambda path: zeros(path, 60 << 20, HEAD.encode() + b'<trace><string key="concept:name" value="'),
        "longer than 10 mb",
    )
    yield Malformed("xes gz of 60 MB of blanks", lambda path: zeros(path, 60 << 20, HEAD.encode(), b" "), "cut off")


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
        ("workbook", zipped({"xl/workbook.xml": b"<x/>"}), "binary"),
        ("zip with path tricks", zipped(TRICKS), "binary"),
        ("tar with path tricks", tarred(TRICKS), "binary"),
        ("tar.gz with path tricks", tarred(TRICKS, "w:gz"), "binary"),
        ("tar.bz2", tarred(TRICKS, "w:bz2"), ""),
        ("tar.xz", tarred(TRICKS, "w:xz"), ""),
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
    yield Malformed("xes.gz value of 1 GB", lambda path: zeros(path, 1 << 30, HEAD.encode() + b'<trace><string key="concept:name" value="'), "longer than 10 mb")  # fmt: skip
    yield Malformed("csv.gz field of 1 GB", lambda path: zeros(path, 1 << 30, b"case,activity,time\nc1,"), "longer than 10 mb")  # fmt: skip
    yield Malformed("csv.gz quoted field of 1 GB", lambda path: zeros(path, 1 << 30, b'case,activity,time\nc1,"'), "longer than 10 mb")  # fmt: skip
    yield Malformed("csv.gz quoted field of 200 MB in lines", lambda path: zeros(path, 200 << 20, b'case,activity,time\nc1,"', b"x\n"), "cannot be used")  # fmt: skip
    yield Malformed("sparse csv of 1 GB", lambda path: sparse(path, 1 << 30, b"case,activity,time\nc1,"), "longer than 10 mb")  # fmt: skip
    yield Malformed("sparse file of 1 GB", lambda path: sparse(path, 1 << 30, b""), "")
