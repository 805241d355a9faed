"""The checks that compare with earlier runs: they only warn, for history never decides what is published."""

from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.sql_text import literal

_HISTORY, _FACTOR, _FLOOR = 8, 5, 100  # nights compared with, times their median, cases below which nothing is said


def volume(declared: GateDeclaration, run_id: str) -> Check:
    """Compares the touched cases with those of earlier nights; a full build is not a night."""
    cases = f"select count(*) from candidate.{declared.name}__cases"
    return Check(
        "volume",
        "warn",
        f"within {_FACTOR} times the usual number of touched cases",
        "look whether the source is whole",
        f"""
        with earlier as (
            select checked_count from quality.check_results
            where subject = {literal(declared.name)} and layer = 'candidate' and check_name = 'volume'
              and run_id <> {literal(run_id)} order by checked_at desc limit {_HISTORY}),
        usual as (
            select percentile_cont(0.5) within group (order by checked_count) as usual, count(*) as night_count from
                earlier),
        this as (select ({cases}) as found)
        select found || ' cases, usually ' || round(usual) as reason from this, usual
        where night_count >= {_HISTORY // 2} and greatest(found, usual) >= {_FLOOR}
          and (found * {_FACTOR} < usual or found > usual * {_FACTOR})""",
        checked=cases,
        dimension="volume",
    )
