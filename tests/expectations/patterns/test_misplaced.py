"""Which cases are looked at for misplaced events: those, and only those, in which two events contradict the order."""

from datetime import timedelta
from itertools import combinations, product

import psycopg
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from expectations.declaration import declaration_of
from expectations.patterns.knowledge import Knowledge
from expectations.patterns.misplaced import suspects
from tests.expectations.candidates import START, Candidate, process, run

ACTIVITIES = ("order", "approve", "pay")
# activity, hour, the table it stands in, whether that says at which place, whether the event has a start
EVENT = st.tuples(
    st.sampled_from(ACTIVITIES), st.integers(0, 3), st.sampled_from(("orders", "bills")), st.booleans(), st.booleans()
)
CHAINS = st.permutations(ACTIVITIES).flatmap(lambda names: st.integers(2, 3).map(lambda size: tuple(names[:size])))


def contradicts(events, chains):
    """Any two events of a case, by the definition."""
    places = list(enumerate(events))
    recorded = [
        (one, other)
        for (one, other) in combinations(places, 2)
        if one[1][2] == other[1][2] and _is_recorded(one) and _is_recorded(other)
    ]
    declared = [
        (one, other)
        for chain in chains
        for one, other in product(places, places)
        if {one[1][0], other[1][0]} <= set(chain) and chain.index(one[1][0]) < chain.index(other[1][0])
    ]
    return any(one[1][1] > other[1][1] for one, other in recorded + declared)


def _is_recorded(place):
    *_, has_position, has_start = place[1]
    return has_position and not has_start


@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cases=st.lists(st.lists(EVENT, min_size=1, max_size=6), min_size=1, max_size=8),
    mandatory=st.lists(CHAINS, max_size=2),
    pairs=st.lists(st.permutations(ACTIVITIES).map(lambda names: tuple(names[:2])), max_size=2),
)
def test_suspects_are_the_cases_in_which_two_events_contradict_the_order(settings, cases, mandatory, pairs):
    Candidate(
        {
            f"case {number}": [
                (activity, START + timedelta(hours=hour), START if has_start else None)
                for activity, hour, _, _, has_start in events
            ]
            for number, events in enumerate(cases)
        }
    ).write(settings.warehouse_url, run())
    declared = declaration_of(process(checks={"order": [list(pair) for pair in pairs]}), settings.project)
    with psycopg.connect(settings.warehouse_url) as db:
        with db.cursor() as cursor:
            cursor.executemany(
                """update candidate.demo__events set source_table = %s, source_seq = case when %s then source_seq end
                   where case_id = %s and event_seq = %s""",
                [
                    (table, has_position, f"case {number}", place)
                    for number, events in enumerate(cases)
                    for place, (_, _, table, has_position, _) in enumerate(events, 1)
                ],
            )
        query = suspects(declared, Knowledge(mandatory_order=tuple(mandatory)))
        found = db.execute(
            f"select distinct case_id from candidate.demo__events where case_key in ({query}) order by 1"
        ).fetchall()
    expected = {f"case {number}" for number, events in enumerate(cases) if contradicts(events, (*mandatory, *pairs))}
    assert {case for (case,) in found} == expected
