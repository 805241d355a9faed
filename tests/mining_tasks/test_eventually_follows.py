"""Eventually-follows: hand-counted, equal to plain loops on random logs, equal to pm4py on real ones."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_tasks.eventually_follows import count_eventually_follows, tabulate_eventually_follows
from mining_tasks.inductive_log import CodedLog, WeightedLog
from tests.mining_tasks import public_logs
from tests.mining_tasks.trees import real_traces

logs = st.dictionaries(st.lists(st.integers(0, 3), max_size=8).map(tuple), st.integers(1, 5), max_size=6)


def by_loops(traces):
    """(pairs, nexts, cases) as counters of (source, target)."""
    pairs, nexts, cases = Counter(), Counter(), Counter()
    for trace, count in traces.items():
        seen = set()
        for place, source in enumerate(trace):
            rest = trace[place + 1 :]
            for target in rest:
                pairs[source, target] += count
                seen.add((source, target))
            for target in set(rest):
                until = rest[: rest.index(source)] if source in rest and target != source else rest
                nexts[source, target] += count * (target in until)
        for pair in seen:
            cases[pair] += count
    return pairs, nexts, cases


def as_counter(matrix):
    return {(a, b): int(matrix[a, b]) for a, b in zip(*matrix.nonzero(), strict=True)}


def test_hand_counted():
    """abbac and twice b: a before b: 1+1 pairs, but after the second a there is none."""
    found = count_eventually_follows(WeightedLog.of({(0, 1, 1, 0, 2): 1, (1,): 2}, 3))
    assert as_counter(found.pairs) == {(0, 1): 2, (0, 0): 1, (0, 2): 2, (1, 1): 1, (1, 0): 2, (1, 2): 2}
    assert as_counter(found.nexts) == {(0, 1): 1, (0, 0): 1, (0, 2): 1, (1, 1): 1, (1, 0): 1, (1, 2): 1}
    assert as_counter(found.cases) == dict.fromkeys([(0, 1), (0, 0), (0, 2), (1, 1), (1, 0), (1, 2)], 1)
    assert found.case_counts.tolist() == [1, 3, 1]


@settings(max_examples=200, deadline=None)
@given(logs)
def test_random_logs_by_loops(traces):
    found = count_eventually_follows(WeightedLog.of(traces, 4))
    for matrix, expected in zip((found.pairs, found.nexts, found.cases), by_loops(traces), strict=True):
        assert as_counter(matrix) == +expected
    assert found.case_counts.tolist() == [sum(n for t, n in traces.items() if code in t) for code in range(4)]


@pytest.mark.parametrize("name", public_logs.every())
def test_pairs_equal_pm4py(name, real_data):
    from pm4py.statistics.eventually_follows.uvcl import get as oracle

    coded, traces = real_traces(public_logs.read(name, real_data))
    table = tabulate_eventually_follows(coded, count_eventually_follows(coded.log))
    found = {
        (coded.names[source], coded.names[target]): count
        for source, target, count in table.select(
            "source_activity_key", "target_activity_key", "pair_count"
        ).iter_rows()
    }

    class Log:
        data_structure = traces

    assert found == oracle.apply(Log)


def test_shares_are_of_the_cases_that_have_the_activity():
    coded = CodedLog(WeightedLog.of({(0, 1): 3, (1,): 1}, 2), (7, 8), ("a", "b"))
    (row,) = tabulate_eventually_follows(coded, count_eventually_follows(coded.log)).iter_rows(named=True)
    assert (row["source_activity_key"], row["target_activity_key"], row["case_count"]) == (7, 8, 3)
    assert (row["source_case_share"], row["target_case_share"]) == (1.0, 0.75)
