"""A source system is found by its folder alone."""

from extractors.systems import list_systems


def test_the_systems_that_there_are():
    assert {"odoo", "agent"} <= set(list_systems())


def test_a_system_is_one_more_folder(tmp_path):
    for folder, file in (("sap", "tables.yml"), ("mailbox", "pipeline.py"), ("notes", "README.md")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).touch()
    assert list_systems(root=tmp_path) == ["mailbox", "sap"]
