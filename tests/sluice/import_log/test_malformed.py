"""Files that cannot be used end in one clear line that names the file and the place, never in a traceback."""

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from sluice.errors import BadInput
from sluice.settings import Settings
from sluice.warehouse import connect

from .conftest import HEAD, xes_event, xes_log, xes_trace

GOOD = xes_log(
    *(
        xes_trace(f"c{number}", *(xes_event(f"a{step}", f"2020-01-0{step}T10:00:00Z") for step in range(1, 5)))
        for number in range(200)
    )
)
CSV = "case,activity,time\n" + "".join(f"c{n},a{s},2020-01-0{s}T10:00:00Z\n" for n in range(50) for s in range(1, 5))
COLUMNS = ("--case", "case", "--activity", "activity", "--timestamp", "time")


def refused(import_log: Callable[..., int], path: Path, *options: str) -> str:
    """The one line that a file is refused with."""
    with pytest.raises(BadInput) as caught:
        import_log("bad_log", path, *options, "--dry-run")
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    return line


def test_xes_cut_in_half_names_the_line(import_log, write_file):
    path = write_file("log.xes", GOOD[: len(GOOD) // 2])
    lines = GOOD[: len(GOOD) // 2].count("\n") + 1
    message = refused(import_log, path)
    assert f"line {lines}:" in message
    assert "cut off" in message


def test_gzip_cut_in_half_says_so(import_log, write_file, tmp_path):
    noise = random.Random(1)
    rows = "".join(f"c{noise.random()},a,2020-01-01T10:00:00Z\n" for _ in range(5000))
    packed = gzip.compress(("case,activity,time\n" + rows).encode())
    path = write_file("log.csv.cut", packed[: len(packed) // 2])
    assert "cut off" in refused(import_log, path)


def test_damaged_gzip_says_so(import_log, write_file):
    packed = bytearray(gzip.compress(GOOD.encode()))
    packed[len(packed) // 2] ^= 0xFF
    assert "damaged" in refused(import_log, write_file("log.xes.bad", bytes(packed)))


@pytest.mark.parametrize(
    "content, expected",
    [
        ("", "is empty"),
        (" \n\n ", "is empty"),
        ("<html><body/></html>", "root element is <html>"),
        ("<log>", "cut off"),
        (HEAD + "<trace><event></trace></log>", "mismatched tag"),
        (HEAD + "</log>", "there is no event"),
        (
            HEAD + '<trace><string key="concept:name" value="x&#0;y"/></trace></log>',
            "reference to invalid character number",
        ),
        (HEAD + '<trace><string key="concept:name" value="x\x00y"/></trace></log>', "invalid token"),
        ('<?xml version="1.0" encoding="klingon"?><log></log>', "encoding"),
    ],
)
def test_broken_xml_is_refused(import_log, write_file, content, expected):
    assert expected in refused(import_log, write_file("log.xes", content))


def test_wrong_encoding_of_xes_names_the_line(import_log, write_file):
    broken = xes_log(xes_trace("c1", xes_event("Prüfung", "2020-01-01T10:00:00Z"))).encode("latin-1")
    message = refused(import_log, write_file("log.xes", broken))
    assert "line 4:" in message
    assert "encoding" in message


def test_entity_bomb_is_refused_unread(import_log, write_file):
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE log [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
        + ']><log><string key="x" value="&j;"/></log>'
    )
    assert "entity" in refused(import_log, write_file("log.xes", bomb))


@pytest.mark.parametrize(
    "declaration",
    ['<!ENTITY secret SYSTEM "file:///etc/hostname">', '<!ENTITY % remote SYSTEM "http://127.0.0.1:1/x.dtd"> %remote;'],
)
def test_external_entities_are_refused(import_log, write_file, declaration):
    text = f'<?xml version="1.0"?><!DOCTYPE log [{declaration}]><log></log>'
    assert "entity" in refused(import_log, write_file("log.xes", text))


def test_external_dtd_is_not_loaded(import_log, write_file):
    text = GOOD.replace("<log", '<!DOCTYPE log SYSTEM "http://127.0.0.1:1/xes.dtd"><log', 1)
    assert import_log("with_doctype", write_file("log.xes", text), "--dry-run") == 0


def test_deep_nesting_is_refused(import_log, write_file):
    deep = HEAD + "<trace>" + '<string key="a" value="b">' * 100_000
    assert "nested more than" in refused(import_log, write_file("log.xes", deep))


def test_one_giant_value_is_refused(import_log, write_file):
    giant = HEAD + '<trace><string key="concept:name" value="' + "x" * 30_000_000 + '"/></trace></log>'
    assert "longer than 10 MB" in refused(import_log, write_file("log.xes.gz", giant))


def test_giant_csv_field_is_set_aside(import_log, write_file, settings):
    path = write_file("log.csv", CSV + f"c1,{'x' * 200_000},2020-01-01T10:00:00Z\n" + "c99,last,2020-01-01T10:00:00Z\n")
    assert import_log("giant_field", path) == 0
    with connect(settings.warehouse_url) as db:
        assert db.execute("select case_id from event_log.events where activity = 'last'").fetchall() == [("c99",)]
        [(reason,)] = db.execute("select reason from quality.quarantined_rows").fetchall()
        assert "line 202" in reason


def test_wrong_encoding_of_csv_names_the_line_and_the_option(import_log, write_file):
    path = write_file("log.csv", CSV.encode() + "c9,Prüfung,2020-01-01T10:00:00Z\n".encode("cp1252"))
    message = refused(import_log, path)
    assert "line 202:" in message
    assert "--encoding" in message
    assert import_log("bad_log", path, "--encoding", "cp1252", "--dry-run") == 0


def test_quote_that_is_never_closed_names_its_line(import_log, write_file):
    assert "line 202: a quote" in refused(
        import_log, write_file("log.csv", CSV + '"c9,a1,2020-01-01T10:00:00Z\n' + "c9,a,b\n" * 20)
    )


def test_wrong_separator_names_the_columns_found(import_log, write_file):
    message = refused(import_log, write_file("log.csv", CSV), "--separator", ";")
    assert "case,activity,time" in message
    assert "semicolon" in message


def test_missing_column_names_the_columns_found(import_log, write_file):
    message = refused(import_log, write_file("log.csv", CSV), "--case", "order")
    assert "--case 'order'" in message
    assert "case, activity, time" in message


def test_binary_is_refused(import_log, write_file):
    refused(import_log, write_file("log.csv", bytes(range(256)) * 100))


@pytest.mark.parametrize("make", [lambda folder: folder, lambda folder: folder / "absent.xes"])
def test_no_file(import_log, tmp_path, make):
    refused(import_log, make(tmp_path))


@pytest.mark.parametrize(
    "options, expected",
    [
        (("--timezone", "Mars/Olympus"), "--timezone"),
        (("--separator", "ab"), "--separator"),
        (("--encoding", "nope"), "--encoding"),
    ],
)
def test_wrong_options(import_log, write_file, options, expected):
    with pytest.raises(BadInput, match=expected):
        import_log("bad_log", write_file("log.csv", CSV), *options, "--dry-run")


@pytest.mark.parametrize("name", ["Big", "1st", "a b", "x" * 41, "drop table", ""])
def test_wrong_process_names(import_log, write_file, name):
    with pytest.raises(BadInput):
        import_log(name, write_file("log.csv", CSV))


def test_a_refused_file_leaves_nothing_behind(import_log, write_file, settings: Settings):
    with pytest.raises(BadInput):
        import_log("bad_log", write_file("log.xes", GOOD[:-20]))
    with connect(settings.warehouse_url) as db:
        assert db.execute("select count(*) from pg_tables where schemaname = 'candidate'").fetchone()[0] == 0
        assert db.execute("select count(*) from ops.loads").fetchone()[0] == 0


@examples(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255), packed=st.booleans())
def test_a_flipped_byte_never_ends_in_a_traceback(import_log, tmp_path, position, byte, packed):
    data = bytearray(GOOD.encode())
    if packed:
        data = bytearray(gzip.compress(bytes(data), mtime=0))
    data[position % len(data)] = byte
    path = tmp_path / "flipped.xes"
    path.write_bytes(bytes(data))
    try:
        import_log("bad_log", path, "--dry-run")
    except BadInput as error:
        assert "\n" not in str(error)


@examples(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tail=st.binary(max_size=80), cut=st.integers(0, len(CSV)))
def test_any_bytes_after_good_csv_never_end_in_a_traceback(import_log, tmp_path, tail, cut):
    path = tmp_path / "tail.csv"
    path.write_bytes(CSV[:cut].encode() + tail)
    try:
        import_log("bad_log", path, *COLUMNS, "--dry-run")
    except BadInput as error:
        assert "\n" not in str(error)
