"""The doctor names what is wrong, and only that."""

from dataclasses import replace

from sluice.doctor import WELL, WRONG, doctor, examine


def wrong(settings):
    return [line for state, line in examine(settings) if state == WRONG]


def test_a_healthy_installation_has_nothing_wrong(settings, capsys):
    assert wrong(settings) == []
    assert doctor(settings) == 0
    assert any(state == WELL and "migrations" in line for state, line in examine(settings))


def test_unreachable_warehouse_and_source(settings):
    broken = replace(
        settings,
        warehouse_url="postgresql://u:hidden@127.0.0.1:1/x",
        source_urls={"odoo": "postgresql://u:hidden@127.0.0.1:1/x"},
    )
    lines = wrong(broken)
    assert len(lines) == 2 and all("cannot be reached" in line and "hidden" not in line for line in lines)


def test_unknown_system_and_missing_folder(settings, tmp_path):
    broken = replace(settings, source_urls={"nosuch": settings.warehouse_url}, agent_drop=tmp_path / "none")
    assert any("no extractor called nosuch" in line for line in wrong(broken))
    assert any("is not a folder" in line for line in wrong(broken))


def test_readable_secrets_are_named(settings):
    settings.secret("pseudonym_key")
    (settings.home / "secrets" / "pseudonym_key").chmod(0o644)
    assert any("others can read it" in line for line in wrong(settings))


def test_bad_person_map_names_row_and_column(settings, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("person,kind,value\n7,nickname,ada\n")
    assert any("row 2: column kind" in line for line in wrong(replace(settings, person_map=path)))


def test_last_run_that_was_blocked_is_named(settings):
    from sluice.warehouse import connect

    with connect(settings.warehouse_url) as db:
        db.execute("""insert into ops.runs (run_id, kind, subject, state, message)
                      values ('extract__odoo/x', 'extract', 'odoo', 'blocked', 'a table is missing')""")
    assert wrong(settings) == ["last run of odoo: blocked: a table is missing"]
