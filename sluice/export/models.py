"""Process models out of the warehouse: BPMN 2.0 with its diagram, and PNML."""

import psycopg

from sluice.errors import BadInput
from sluice.export.published import READING_IS_REFUSED, become_reader, needed
from sluice.warehouse import connect

NOTATIONS = ("bpmn", "pnml")
DEFAULT_MODEL = "inductive_infrequent"


def read_model(url: str, process: str, *, notation: str, model_kind: str = DEFAULT_MODEL) -> str:
    """The model of a process in a notation of `NOTATIONS`, as its readers may see it; BadInput where there is none."""
    with connect(url) as db, needed(process, READING_IS_REFUSED):
        become_reader(db)
        models = _models(db, process, notation)
    if model_kind not in models:
        known = ", ".join(models) or "none: is it published, and not work of people?"
        raise BadInput(f"export {process}: there is no model {model_kind!r} of it (there are: {known})")
    return models[model_kind]


def _models(db: psycopg.Connection, process: str, notation: str) -> dict[str, str]:
    if db.execute("select to_regclass('bi.models') is null").fetchone()[0]:
        return {}
    column = dict(zip(NOTATIONS, NOTATIONS, strict=True))[notation]
    return dict(
        db.execute(
            f'select model_kind, {column} from bi.models where process = %s order by model_kind collate "C"', (process,)
        ).fetchall()
    )
