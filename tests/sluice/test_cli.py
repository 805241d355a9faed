"""The command line: every command explains itself, and what is wrong is one line and an exit code."""

import pytest

from sluice.cli import EXIT_FAILED, EXIT_USAGE, main


@pytest.fixture
def installed(settings, monkeypatch):
    monkeypatch.setenv("SLUICE_HOME", str(settings.home))
    monkeypatch.setenv("SLUICE_WAREHOUSE_URL", settings.warehouse_url)
    return settings


@pytest.mark.parametrize(
    "command", ["run", "up", "down", "status", "backfill", "import-log", "export", "compare", "demo", "doctor", "clean"]
)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"sluice {command}" in capsys.readouterr().out


def test_psql_gets_its_options_as_they_are(installed, capfd):
    assert main(["psql", "-At", "-c", "select 6 * 7"]) == 0
    assert capfd.readouterr().out == "42\n"
    assert main(["psql", "-c", "select nonsense"]) == 1


def test_an_unreachable_warehouse_is_one_line(installed, monkeypatch, capsys):
    monkeypatch.setenv("SLUICE_WAREHOUSE_URL", "postgresql://u:hidden@127.0.0.1:1/x")
    assert main(["status"]) == EXIT_FAILED
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "cannot be reached" in said and "hidden" not in said


def test_wrong_usage_is_told(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["backfill", "--from", "yesterday", "--to", "2026-01-01"])
    assert ended.value.code == EXIT_USAGE
    assert "expected a day as YYYY-MM-DD" in capsys.readouterr().err


def test_the_doctor_and_a_dry_clean_touch_nothing(installed, capsys):
    assert main(["doctor"]) == 0
    (installed.home / "kept").mkdir(parents=True)
    assert main(["clean", "--dry-run"]) == 0
    assert (installed.home / "kept").exists()
    assert main(["clean"]) == 2, "not removed without being asked or told"
    assert main(["clean", "--yes"]) == 0
    assert not installed.home.exists()
