"""Which raw rows made which case when it was last gated (`ops.case_rows`): kept up to date for the few cases of a night."""

from concurrent.futures import Future

import psycopg
from psycopg import sql

from sluice.planning import AS_ON_SSDS, by_index, in_order_of_storage, one_of
from sluice.warehouse import connect


def read_former_rows(url: str, process: str) -> None:
    """Make candidate.<process>__former_case_rows of what the touched cases have in ops.case_rows, on a connection of its
    own: the rows of few cases lie on tens of thousands of pages of a large table.
    """
    former, touched = (
        sql.Identifier("candidate", f"{process}__{name}") for name in ("former_case_rows", "touched_cases")
    )
    with connect(url) as db:
        db.execute(sql.SQL("drop table if exists {}").format(former))
        db.execute(f"set local {AS_ON_SSDS}")
        with in_order_of_storage(db, is_few=True):
            db.execute(
                sql.SQL(
                    """create unlogged table {} as select source_table, source_key, case_id from ops.case_rows
                       where process = {} and case_id {}"""
                ).format(
                    former,
                    sql.Literal(process),
                    sql.SQL(one_of("select case_id from {}", is_few=True)).format(touched),
                )
            )


def replace_few_case_rows(db: psycopg.Connection, process: str, former: Future[None]) -> None:
    """Make the rows of the touched cases those of candidate.<process>__case_rows, within a transaction. former: of
    `read_former_rows`; nearly all of what it read stays.
    """
    names = {"process": process}
    db.execute(
        sql.SQL(
            """create temporary table publish_rows on commit drop as
               select distinct source_table, source_key, case_id from {}"""
        ).format(sql.Identifier("candidate", f"{process}__case_rows"))
    )
    former.result()
    read = sql.Identifier("candidate", f"{process}__former_case_rows")
    with by_index(db):
        db.execute(
            sql.SQL(
                """delete from ops.case_rows as old
                   using (select source_table, source_key, case_id from {} except select * from publish_rows) as gone
                   where old.process = %(process)s and old.source_table = gone.source_table
                       and old.source_key = gone.source_key and old.case_id = gone.case_id"""
            ).format(read),
            names,
        )
    db.execute(
        sql.SQL(
            """insert into ops.case_rows (process, source_table, source_key, case_id)
               select %(process)s, source_table, source_key, case_id
               from (select * from publish_rows except select source_table, source_key, case_id from {}) as fresh
               order by source_table, source_key, case_id"""
        ).format(read),
        names,
    )
    db.execute(sql.SQL("drop table {}").format(read))
