"""Models are exported as they are published, and what a process declares is exported after each night."""

from dataclasses import replace

import pytest

from sluice.errors import BadInput
from sluice.export.nightly import export_declared
from sluice.warehouse import connect
from tests.sluice.export.conftest import make_views
from tests.sluice.export.test_export import SHIFT
from tests.sluice.export.test_round_trip import export

YAML = """process: shift
title: Shift
sources: [odoo]
case: one shift
activities: shift__declared_activities
"""


@pytest.fixture(scope="module")
def models(exporting):
    """Two models of `shift`, written by hand."""
    with connect(exporting.warehouse_url) as db:
        make_views(db, "models")
        for kind in ("inductive", "inductive_infrequent"):
            columns = [
                name
                for (name,) in db.execute(
                    """select column_name from information_schema.columns
                       where table_schema = 'mining' and table_name = 'models' and is_nullable = 'NO'"""
                )
            ]
            values = {"process": "'shift'", "model_kind": f"'{kind}'", "pnml": f"'<pnml>é {kind}</pnml>'"}
            values |= {"bpmn": f"'<bpmn>{kind}</bpmn>'", "tree": "''"}
            db.execute(
                f"insert into mining.models ({', '.join(columns)}) values ({', '.join(values.get(c, '0') for c in columns)})"
            )
    return exporting


def test_models_are_written_as_they_are(models, publish, tmp_path):
    publish("shift", SHIFT)
    export(models, "shift", tmp_path / "shift.bpmn")
    export(models, "shift", tmp_path / "net.pnml", "--model", "inductive")
    assert (tmp_path / "shift.bpmn").read_text() == "<bpmn>inductive_infrequent</bpmn>"
    assert (tmp_path / "net.pnml").read_text() == "<pnml>é inductive</pnml>"
    with pytest.raises(BadInput, match=r"no model 'alpha' of it \(there are: inductive, inductive_infrequent\)"):
        export(models, "shift", tmp_path / "no.bpmn", "--model", "alpha")
    with pytest.raises(BadInput, match=r"no model 'inductive_infrequent' of it \(there are: none"):
        export(models, "nowhere", tmp_path / "no.bpmn")
    assert not (tmp_path / "no.bpmn").exists()


def test_declared_exports_are_made_anew(models, publish, tmp_path):
    publish("shift", SHIFT)
    (tmp_path / "processes").mkdir()
    declared = replace(models, project=tmp_path, home=tmp_path / "home")
    assert export_declared(declared, "imported") == []
    (tmp_path / "processes" / "shift.yml").write_text(YAML)
    assert export_declared(declared, "shift") == []
    (tmp_path / "processes" / "shift.yml").write_text(YAML + "export: [csv.gz, xes, bpmn]\n")
    made = export_declared(declared, "shift")
    assert [path.name for path in made] == ["shift.csv.gz", "shift.xes", "shift.bpmn"]
    before = made[1].read_bytes()
    publish("shift", {"9": SHIFT["1"]})
    export_declared(declared, "shift")
    assert made[1].read_bytes() != before and b"org:resource" not in before
    (tmp_path / "processes" / "shift.yml").write_text(YAML + "export: [xls]\n")
    with pytest.raises(
        BadInput, match=r"shift.yml: export: expected some of xes, xes.gz, csv, csv.gz, bpmn, pnml, each once"
    ):
        export_declared(declared, "shift")
