"""A few leads in raw tables of Odoo, and builds of the process that reads them, night after night."""

from datetime import date, datetime

import psycopg

from sluice import transform
from sluice.runs import RunContext, as_of_day
from tests.dbt_project.conftest import RawOdoo

P = "lead_to_order"
DAY = date(2025, 3, 3)


def run(number: int = 1, *, day: date = DAY, mode: str = "night") -> RunContext:
    return RunContext(f"mine__{P}/{day}/{number}", P, day, as_of_day(day), mode)


def one(url: str, query: str):
    with psycopg.connect(url) as db:
        return db.execute(query).fetchall()


def publish(url: str, made: transform.Build) -> None:
    """As far as the next build can see it."""
    with psycopg.connect(url) as db:
        db.execute("delete from ops.process_state")
        db.execute(
            "insert into ops.process_state values (%s, %s, %s, %s, %s)",
            (made.process, made.upto_version, made.fingerprint, made.as_of, made.run_id),
        )
        db.execute("delete from ops.case_rows")
        db.execute(f"insert into ops.case_rows select '{P}', * from candidate.{P}__case_rows")


def put_leads(url: str) -> None:
    """The first load: three leads."""
    with psycopg.connect(url, autocommit=True) as db:
        odoo = RawOdoo(db)
        odoo.look_ups()
        for number in (1, 2, 3):
            odoo.put(
                "crm_lead",
                id=number,
                type="opportunity",
                stage_id=1,
                active=True,
                create_uid=1,
                create_date=datetime(2025, 3, 1, 9, number),
            )


def change_leads(url: str) -> None:
    """The next load: an order for the second lead, and the third is gone."""
    with psycopg.connect(url, autocommit=True) as db:
        odoo = RawOdoo.__new__(RawOdoo)
        odoo.db, odoo.version, odoo.tables = db, 1, transform.load_spec("odoo").tables
        odoo.load()
        odoo.put(
            "sale_order",
            id=9,
            name="S9",
            opportunity_id=2,
            state="draft",
            create_uid=2,
            create_date=datetime(2025, 3, 2, 9),
        )
        odoo.delete("crm_lead", id=3)
