"""What is true of public event logs: the figures of docs/patterns.md, by the whole import."""

import psycopg
import pytest

from sluice.import_log import run
from tests.sluice.import_log.conftest import arguments

# log -> check -> (bad rows, cases named or None); checks that are not named here find nothing
FOUND = {
    "Sepsis.xes.gz": {"form_based_event_capture": (1357, 848), "collateral_events": (2, 2)},
    "helpdesk.xes.gz": {},
    "08_receipt.xes.gz": {
        "scattered_event": (8, 8),
        "collateral_events": (1, 1),
        "polluted_label": (7, None),
    },
    "BPIC13_closed_problems.xes.gz": {"collateral_events": (1, 1)},
    "running-example.xes": {},
    "verenich_helpdesk.csv.gz": {},
    "BPI_2020_DomesticDeclarations.xes.gz": {"polluted_label": (6, None)},
}


@pytest.mark.slow
@pytest.mark.parametrize("log", FOUND)
def test_patterns_of_a_public_log(settings, real_data, log):
    zone = ("--timezone", "UTC") if ".csv" in log else ()
    assert run(arguments("public_log", real_data(f"logs/{log}"), *zone), settings) == 0
    with psycopg.connect(settings.warehouse_url) as db:
        found = {
            check: (unexpected, cases)
            for check, unexpected, cases in db.execute(
                """select check_name, unexpected_count, case_count from quality.check_results
                   where pattern is not null and not is_success"""
            )
        }
        assert db.execute("select count(*) from quality.check_results where pattern is not null").fetchone()[0] >= 10
    assert found == FOUND[log]
