"""300 malformed inputs through the real doors: no traceback, no hang, one clear line each, nothing left behind."""

import signal
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from expectations.declaration import declaration_of
from extractors.agent import pipeline
from extractors.specs import load_spec
from sluice import cli
from sluice.errors import BadInput, SluiceError
from sluice.import_log import run
from sluice.processes import load_process
from sluice.pseudonyms import load_person_map
from sluice.runs import RunContext, as_of_day
from sluice.settings import Settings
from sluice.warehouse import connect
from tests.malformed.corpus import declarations, desks, logs
from tests.malformed.corpus.made import Malformed
from tests.sluice.import_log.conftest import arguments

LONGEST_LINE = 3000
PROCESS_FILES, TABLE_FILES = list(declarations.process_files()), list(declarations.table_files())
LOG_FILES, AGENT_FILES = [*logs.xes_files(), *logs.csv_files()], list(desks.agent_files())
GIANTS, PERSON_MAPS = list(logs.giant_files()), list(desks.person_maps())


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    """A hang becomes a failure."""

    def fail(*_: object) -> None:
        raise AssertionError("hangs")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory, module_warehouse_url: str) -> Settings:
    return Settings(
        home=tmp_path_factory.mktemp("home"), warehouse_url=module_warehouse_url, pseudonym_key_hex="ab" * 32
    )


def is_one_clear_line(error: SluiceError, bad: Malformed, *names: str) -> None:
    line = str(error)
    assert line == line.strip() and line and "\n" not in line and "\r" not in line
    assert len(line) <= LONGEST_LINE
    assert "Traceback" not in line and "Error:" not in line
    assert any(name in line for name in names), line
    assert bad.said.lower() in line.lower(), line


def test_there_are_at_least_300_and_each_has_a_name_of_its_own():
    everything = [*PROCESS_FILES, *TABLE_FILES, *LOG_FILES, *AGENT_FILES, *GIANTS, *PERSON_MAPS]
    assert len({one.name for one in everything}) == len(everything) >= 300


@pytest.mark.parametrize("bad", PROCESS_FILES, ids=str)
def test_a_process_is_refused(bad, tmp_path):
    path = tmp_path / "processes" / "input.yml"
    path.parent.mkdir()
    bad.write(path)
    with pytest.raises(BadInput) as caught:
        declaration_of(load_process("input", tmp_path))
    is_one_clear_line(caught.value, bad, "input.yml", "checks of process input")


@pytest.mark.parametrize("bad", TABLE_FILES, ids=str)
def test_table_specs_are_refused(bad, tmp_path):
    path = tmp_path / "input" / "tables.yml"
    path.parent.mkdir()
    bad.write(path)
    with pytest.raises(BadInput) as caught:
        load_spec("input", root=tmp_path)
    is_one_clear_line(caught.value, bad, "extractors/input/tables.yml")


@pytest.mark.parametrize("bad", PERSON_MAPS, ids=str)
def test_a_person_map_is_refused(bad, tmp_path):
    path = tmp_path / bad.file
    bad.write(path)
    with pytest.raises(BadInput) as caught:
        load_person_map(path)
    is_one_clear_line(caught.value, bad, str(path))


@pytest.mark.parametrize("bad", LOG_FILES, ids=str)
def test_a_log_is_refused(bad, warehouse, tmp_path):
    path = tmp_path / bad.file
    bad.write(path)
    with pytest.raises(BadInput) as caught:
        run(arguments("bad_log", path, "--dry-run", *bad.options), warehouse)
    is_one_clear_line(caught.value, bad, str(path), *(option for option in bad.options if option.startswith("--")))


@pytest.mark.slow
@pytest.mark.parametrize("bad", GIANTS, ids=str)
def test_a_gigabyte_is_refused_without_being_held(bad, warehouse, tmp_path):
    path = tmp_path / bad.file
    bad.write(path)
    tracemalloc.start()
    try:
        with pytest.raises(BadInput) as caught:
            run(arguments("bad_log", path, "--dry-run", *bad.options), warehouse)
        assert tracemalloc.get_traced_memory()[1] < 120_000_000
    finally:
        tracemalloc.stop()
    is_one_clear_line(caught.value, bad, str(path))


def test_recordings_are_refused_each_and_the_good_one_lands(warehouse, tmp_path, caplog):
    """All in one night, as they would lie there: what is refused holds up nobody."""
    drop = tmp_path / "drop"
    settings = replace(warehouse, agent_drop=drop)
    for number, bad in enumerate(AGENT_FILES):
        folder = drop / f"{number:03}"
        folder.mkdir(parents=True)
        bad.write(folder / bad.file)
    good = "timestamp,user,category,application,event_type\n2024-01-01T10:00:00,u,Browser,Chrome,click\n"
    (drop / "good.csv").write_text(good)
    odd = drop / b"\xff\xfe'; drop table x; -- \n.csv".decode("utf-8", "surrogateescape")
    odd.write_text(good.replace("10:00", "11:00"))
    (drop / "to nowhere.csv").symlink_to(tmp_path / "nobody")
    (drop / "to itself.csv").symlink_to(drop / "to itself.csv")
    (drop / "up").symlink_to(drop)
    ctx = RunContext("extract__agent/2024-01-02/x", "agent", date(2024, 1, 2), as_of_day(date(2024, 1, 2)))
    version = pipeline.copy(settings, "agent", ctx)
    pipeline.land(settings, "agent", version, ctx)
    with connect(settings.warehouse_url) as db:
        states = dict(db.execute("select state, count(*) from ops.files group by state").fetchall())
        reasons = [reason for (reason,) in db.execute("select reason from ops.files where state = 'refused'")]
        (landed,) = db.execute("select count(*) from raw_agent.smartrpa").fetchone()
    assert landed == 2 and states.pop("landed") == 2
    assert states == {"refused": len(AGENT_FILES)}
    for reason in reasons:
        assert reason and "\n" not in reason and len(reason) <= LONGEST_LINE
    for bad in AGENT_FILES:
        assert any(bad.said.lower() in reason.lower() for reason in reasons), bad


@pytest.mark.parametrize("bad", LOG_FILES[::40], ids=str)
def test_the_command_line_says_one_line_and_ends_with_1(bad, warehouse, tmp_path, monkeypatch, capsys):
    path = tmp_path / bad.file
    bad.write(path)
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SLUICE_WAREHOUSE_URL", warehouse.warehouse_url)
    assert cli.main(["import-log", "bad_log", str(path), *bad.options]) == 1
    shown = capsys.readouterr()
    assert shown.err.startswith("sluice: ") and shown.err.count("\n") == 1
    assert "Traceback" not in shown.out + shown.err
    with connect(warehouse.warehouse_url) as db:
        assert db.execute("select count(*) from event_log.events").fetchone() == (0,)
