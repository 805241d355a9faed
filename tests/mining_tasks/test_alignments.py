"""Alignments: cost and fitness equal r4pm's and pm4py's; deviations that, mended, make a word of the model."""

import json
import random
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from r4pm.bindings.conformance.case_centric import alignments as r4pm_alignments

from mining_tasks.alignments import Alignments, align
from mining_tasks.alignments_automaton import (
    Automaton,
    TooLarge,
    automaton_of_net,
    automaton_of_sequence,
    automaton_of_tree,
)
from mining_tasks.alignments_model import Reference, read_reference_model
from mining_tasks.alignments_results import VariantSequence, measure_alignments
from mining_tasks.inductive import discover_tree
from mining_tasks.petri_net import SINK, SOURCE, PetriNet, net_of
from mining_tasks.process_tree import CHOICE, CONCURRENCY, LOOP, SEQUENCE, TAU, ProcessTree, activity, parse
from sluice.errors import BadInput
from tests.mining_tasks import public_logs
from tests.mining_tasks.nets import as_r4pm
from tests.mining_tasks.trees import real_traces

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pm4py

LETTERS = "abcdefg"


def random_tree(chance: random.Random, depth: int = 3) -> ProcessTree:
    """Silent leaves and activities that stand in several places included."""
    if depth == 0 or chance.random() < 0.25:
        return TAU if chance.random() < 0.15 else activity(chance.choice(LETTERS[:6]))
    operator = chance.choice((SEQUENCE, SEQUENCE, CHOICE, CONCURRENCY, LOOP))
    count = 2 if operator == LOOP else chance.randint(2, 3)
    return ProcessTree(operator, tuple(random_tree(chance, depth - 1) for _ in range(count)))


def random_trace(chance: random.Random) -> list[str]:
    return [chance.choice(LETTERS) for _ in range(chance.randint(0, 9))]


def of_net(net: PetriNet, **options) -> Automaton:
    return automaton_of_net(net.transitions, net.arcs_in, net.arcs_out, initial={SOURCE: 1}, final={SINK: 1}, **options)


def accepts(model: Automaton, word: list[str]) -> bool:
    state = 0
    for name in word:
        if name not in model.labels:
            return False
        state = model.targets[state, model.labels.index(name)]
        if state < 0:
            return False
    return bool(model.is_final[state])


def mended(found: Alignments, number: int, trace: list[str]) -> list[str]:
    """The sequence without what is too much and with what is missing."""
    mine = np.flatnonzero(found.owner == number)
    too_much = {int(found.position[n]) for n in mine if found.is_log[n]}
    word = []
    for place in range(len(trace) + 1):
        if place and place not in too_much:
            word.append(trace[place - 1])
        word += [found.label[n] for n in mine if not found.is_log[n] and found.position[n] == place]
    assert all(trace[int(found.position[n]) - 1] == found.label[n] for n in mine if found.is_log[n])
    return word


def assert_same(one: Automaton, other: Automaton) -> None:
    assert one.labels == other.labels and np.array_equal(one.targets, other.targets)
    assert np.array_equal(one.is_final, other.is_final)


@pytest.mark.parametrize("seed", range(25))
def test_costs_are_r4pms_and_deviations_mend_the_case(seed):
    chance = random.Random(seed)
    tree = random_tree(chance)
    net, model = net_of(tree), automaton_of_tree(tree)
    assert_same(model, of_net(net))
    traces = [random_trace(chance) for _ in range(12)]
    found = align(model, traces)
    theirs = as_r4pm(net)
    assert found.cost.tolist() == [r4pm_alignments.align_trace(theirs, trace)["cost"] for trace in traces], tree.text
    assert found.shortest == r4pm_alignments.align_empty_trace(theirs)["cost"]
    assert np.bincount(found.owner, minlength=len(traces)).tolist() == found.cost.tolist()
    assert all(accepts(model, mended(found, n, trace)) for n, trace in enumerate(traces)), tree.text


def test_neither_order_nor_portions_change_anything():
    chance = random.Random(7)
    model = automaton_of_tree(parse("->( 'a', +( 'b', X( 'c', tau ), *( 'd', 'e' ) ), X( 'f', 'g' ) )"))
    traces = [random_trace(chance) for _ in range(80)]
    whole = align(model, traces)
    for cells in (1, 100, 2000):
        part = align(model, traces, cells=cells)
        assert part.label == whole.label and part.cost.tolist() == whole.cost.tolist()
        assert part.position.tolist() == whole.position.tolist()
    order = chance.sample(range(len(traces)), len(traces))
    shuffled = align(model, [traces[n] for n in order])
    assert shuffled.cost.tolist() == whole.cost[order].tolist()
    for place, number in enumerate(order):
        assert [shuffled.label[n] for n in np.flatnonzero(shuffled.owner == place)] == [
            whole.label[n] for n in np.flatnonzero(whole.owner == number)
        ]


def test_automata():
    assert_same(automaton_of_sequence("aba"), automaton_of_tree(parse("->( 'a', 'b', 'a' )")))
    assert automaton_of_tree(parse("+( 'a', 'b', 'c', 'd' )")).state_count == 16
    flower = automaton_of_tree(parse("*( tau, X( 'a', 'b' ) )"))
    assert (flower.state_count, flower.is_final.tolist()) == (1, [True])
    with pytest.raises(TooLarge):
        automaton_of_tree(parse("+( 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h' )"), largest=100)
    unbounded = PetriNet(2, ["a"], [(0, 0)], [(0, 0), (0, 1)])
    with pytest.raises(TooLarge):
        of_net(unbounded, largest=100)
    stuck = PetriNet(3, ["a", "b"], [(0, 0), (2, 1)], [(0, 1), (1, 1)])
    assert of_net(stuck).labels == ("a",)  # b can never happen
    assert of_net(PetriNet(3, ["a"], [(0, 0)], [(0, 2)])).state_count == 0  # never ends
    with pytest.raises(ValueError, match="allows something"):
        align(of_net(PetriNet(3, ["a"], [(0, 0)], [(0, 2)])), ["a"])


@pytest.mark.parametrize(
    "text",
    [
        "->( 'a', X( 'b', 'c' ), +( 'd', 'e' ), X( tau, 'f' ) )",
        "->( 'a', *( ->( 'b', X( 'c', 'd' ) ), 'e' ), +( 'f', X( tau, 'g' ) ) )",
        "X( ->( 'a', +( 'b', ->( 'c', 'd' ) ) ), ->( 'e', X( tau, 'f' ) ) )",
    ],
)
def test_precision_is_pm4pys_where_cases_fit(text):
    chance = random.Random(3)
    model = automaton_of_tree(parse(text))
    words = sorted({tuple(random_word(model, chance)) for _ in range(4)})
    counts = [chance.randint(1, 4) for _ in words]
    rows = [
        (f"{number:03}/{copy}", name, place)
        for number, (word, count) in enumerate(zip(words, counts, strict=True))
        for copy in range(count)
        for place, name in enumerate(word)
    ]
    frame = pd.DataFrame(rows, columns=["case:concept:name", "concept:name", "time:timestamp"])
    frame["time:timestamp"] = pd.to_datetime(frame["time:timestamp"], unit="s", utc=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = pm4py.convert_to_petri_net(pm4py.parse_process_tree(text))
        theirs = pm4py.precision_alignments(frame, *net)
    for cells in (1, 1_000_000):
        found = align(model, words, counts=counts, cells=cells)
        assert found.precision == pytest.approx(theirs, abs=1e-12)
        assert found.precision < 1


def random_word(model: Automaton, chance: random.Random) -> list[str]:
    state, word = 0, []
    while not (model.is_final[state] and chance.random() < 0.6):
        steps = np.flatnonzero(model.targets[state] >= 0)
        if not len(steps):
            break
        step = chance.choice(steps.tolist())
        word.append(model.labels[step])
        state = model.targets[state, step]
    return word


def test_precision_by_hand():
    """After nothing: a (of a, b) in 3 cases; after a: c and d in 2 (of c, d); after a c: nothing is allowed."""
    model = automaton_of_tree(parse("->( X( 'a', 'b' ), X( tau, 'c', 'd' ) )"))
    found = align(model, [("a",), ("a", "c"), ("a", "d", "x")], counts=[1, 1, 1])
    assert found.precision == (3 * 1 + 2 * 2 + 0) / (3 * 2 + 2 * 2 + 0)
    assert align(model, []).precision is None


VARIANTS = [
    VariantSequence("v1", ("order", "check", "pay"), 6),
    VariantSequence("v2", ("order", "pay"), 3),
    VariantSequence("v3", ("order", "check", "check", "mail", "pay"), 1),
]


def tables_of(variants, reference=""):
    backend = pl.DataFrame({"a": [1]})
    import narwhals as nw

    found = measure_alignments(variants, Reference(reference), backend=nw.from_native(backend).implementation)
    return {name: frame.to_native() for name, frame in found.items()}


def test_happy_path_by_hand():
    tables = tables_of(VARIANTS)
    (kpis,) = tables["conformance_kpis"].rows(named=True)
    assert kpis["model"] == "->( 'order', 'check', 'pay' )" and kpis["model_source"] == "happy path"
    assert (kpis["fitting_case_count"], kpis["fitting_case_share"], kpis["total_cost"]) == (6, 0.6, 3 * 1 + 2)
    assert kpis["log_fitness"] == pytest.approx(1 - 5 / (18 + 6 + 5 + 10 * 3))
    assert kpis["mean_trace_fitness"] == pytest.approx((6 + 3 * (1 - 1 / 5) + (1 - 2 / 8)) / 10)
    assert tables["variant_alignments"].select("cost", "log_move_count", "model_move_count").rows() == [
        (0, 0, 0),
        (1, 0, 1),
        (2, 2, 0),
    ]
    assert tables["variant_deviations"].rows() == [
        ("v2", 1, "model", "check", 1),
        ("v3", 1, "log", "check", 2),
        ("v3", 2, "log", "mail", 4),
    ]
    assert tables["deviations"].rows() == [
        ("log", "check", 1, 0.1, 1),
        ("log", "mail", 1, 0.1, 1),
        ("model", "check", 3, 0.3, 3),
    ]


def test_declared_model_empty_log_and_a_model_that_is_too_large(monkeypatch):
    tables = tables_of(VARIANTS, "->( 'order', *( 'check', tau ), X( tau, 'mail' ), 'pay' )")
    assert tables["conformance_kpis"]["fitting_case_count"].to_list() == [7]
    assert tables["variant_deviations"].rows() == [("v2", 1, "model", "check", 1)]
    assert [len(frame) for frame in tables_of([]).values()] == [0, 0, 0, 0]
    large = "+( " + ", ".join(f"->( 'a{n}', 'b{n}' )" for n in range(12)) + " )"
    tables = tables_of(VARIANTS, large)
    (kpis,) = tables["conformance_kpis"].rows(named=True)
    assert (kpis["case_count"], kpis["aligned_case_count"], kpis["log_fitness"]) == (10, 0, None)
    assert tables["variant_alignments"]["cost"].to_list() == [None] * 3 and not len(tables["deviations"])


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (3, "here: expected a process tree such as"),
        ("", "here: expected a process tree such as"),
        ("->( 'order'", "here: process tree: expected"),
        ("->( 'order', 'ship' )", "here: 'ship' is no declared activity"),
    ],
)
def test_a_mistake_in_a_reference_model_is_one_line(declared, said):
    with pytest.raises(BadInput) as error:
        read_reference_model("here", declared, known={"order", "pay"})
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", public_logs.every())
def test_costs_are_r4pms_on_every_real_log(real_data, name):
    """Thirty variants, drawn at random, against the log's inductive model without the rare."""
    found, traces = real_traces(public_logs.read(name, real_data))
    tree = discover_tree(found.log, found.names, noise_threshold=0.4)
    drawn = random.Random(1).sample(sorted(trace for trace in traces if len(trace) <= 40), min(30, len(traces)))
    theirs = as_r4pm(net_of(tree))
    costs = align(automaton_of_tree(tree), drawn).cost.tolist()
    assert costs == [r4pm_alignments.align_trace(theirs, list(trace))["cost"] for trace in drawn]
    assert any(costs) or name in ("running-example", "verenich"), "a model that fits all shows little"


def log_of(path, cases: int) -> tuple[pd.DataFrame, list[VariantSequence]]:
    """The first cases of a log, as pm4py has it and as variants."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = pm4py.read_xes(str(path))
    chosen = frame["case:concept:name"].unique()[:cases]
    frame = frame[frame["case:concept:name"].isin(chosen)].reset_index(drop=True)
    counts = frame.groupby("case:concept:name", sort=False)["concept:name"].agg(tuple).value_counts()
    return frame, [VariantSequence(json.dumps(names), names, int(count)) for names, count in counts.items()]


@pytest.mark.parametrize(
    ("name", "noise", "cases"),
    [
        ("running-example.xes", 0.4, 6),
        pytest.param("BPIC13_closed_problems.xes.gz", 0.4, 300, marks=pytest.mark.slow),
    ],
)
def test_cost_and_fitness_are_pm4pys_on_real_logs(real_data, name, noise, cases):
    frame, variants = log_of(real_data(f"logs/{name}"), cases)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = pm4py.discover_process_tree_inductive(frame, noise_threshold=noise)
        net, initial, final = pm4py.convert_to_petri_net(tree)
        theirs = pm4py.conformance_diagnostics_alignments(frame, net, initial, final)
        fitness = pm4py.fitness_alignments(frame, net, initial, final)
    order = frame.groupby("case:concept:name", sort=False)["concept:name"].agg(tuple)
    ordered = sorted(frame["case:concept:name"].unique())  # as pm4py groups them
    tables = tables_of(variants, str(tree))
    found = {
        names: (cost, value)
        for names, cost, value in tables["variant_alignments"].select("variant_id", "cost", "fitness").iter_rows()
    }
    assert len(ordered) == len(theirs)
    for case, one in zip(ordered, theirs, strict=True):
        cost, value = found[json.dumps(order[case])]
        assert cost == one["cost"] // 10_000 and value == pytest.approx(one["fitness"], abs=1e-9)
    (kpis,) = tables["conformance_kpis"].rows(named=True)
    assert kpis["fitting_case_share"] * 100 == pytest.approx(fitness["percentage_of_fitting_traces"])
    assert kpis["mean_trace_fitness"] == pytest.approx(fitness["averageFitness"], abs=1e-9)
    assert kpis["log_fitness"] == pytest.approx(fitness["log_fitness"], abs=1e-3)
