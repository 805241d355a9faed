"""Which raw rows made which case when it was last gated (`ops.case_rows`): kept up to date for the few cases of a night."""

import psycopg
from psycopg import sql

from sluice.planning import by_index, in_order_of_storage, one_of


def replace_few_case_rows(db: psycopg.Connection, process: str, *, touched: str) -> None:
    """Make the rows of the cases in the table `touched` those of candidate.<process>__case_rows, within a transaction.

    What the cases had is read once, in the order in which it lies in a large table; nearly all of it stays.
    """
    names = {"process": process}
    with in_order_of_storage(db, is_few=True):
        db.execute(
            sql.SQL(
                """create temporary table publish_former on commit drop as
                   select source_table, source_key, case_id from ops.case_rows
                   where process = %(process)s and case_id {}"""
            ).format(sql.SQL(one_of(f"select case_id from {touched}", is_few=True))),
            names,
        )
    db.execute(
        sql.SQL(
            """create temporary table publish_rows on commit drop as
               select distinct source_table, source_key, case_id from {}"""
        ).format(sql.Identifier("candidate", f"{process}__case_rows"))
    )
    with by_index(db):
        db.execute(
            """delete from ops.case_rows as old
               using (select * from publish_former except select * from publish_rows) as gone
               where old.process = %(process)s and old.source_table = gone.source_table
                   and old.source_key = gone.source_key and old.case_id = gone.case_id""",
            names,
        )
    db.execute(
        """insert into ops.case_rows (process, source_table, source_key, case_id)
           select %(process)s, source_table, source_key, case_id
           from (select * from publish_rows except select * from publish_former) as fresh
           order by source_table, source_key, case_id""",
        names,
    )
