"""Petri nets of process trees: the same language, sound, and readable by others."""

import random
import warnings

import pytest
from hypothesis import given, settings

from mining_tasks.petri_net import SINK, SOURCE, net_of
from mining_tasks.petri_net_pnml import write_pnml
from mining_tasks.process_tree import parse, reduced
from tests.mining_tasks.nets import assert_same_language, read_pnml
from tests.mining_tasks.trees import any_tree, random_tree

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pm4py


def test_net_of_each_operator_by_hand():
    net = net_of(parse("->( 'a', +( 'b', X( 'c', tau ) ), *( 'd', 'e' ) )"))
    assert net.transitions == ["a", None, "b", "c", None, None, None, "d", "e", None]
    assert net.places == 2 + 2 + 4 + 2
    assert {place for place, _ in net.arcs_in} == set(range(net.places)) - {SINK}
    assert {place for _, place in net.arcs_out} == set(range(net.places)) - {SOURCE}


@settings(max_examples=150, deadline=None)
@given(any_tree())
def test_file_has_the_language_of_the_tree(tree):
    assert_same_language(read_pnml(write_pnml(net_of(tree), name="any")), tree)


@pytest.mark.parametrize("seed", range(5))
def test_pm4py_reads_it_as_the_sound_net_it_is(seed, tmp_path):
    tree = reduced(random_tree(random.Random(seed), 7, silent=0.3))
    net = net_of(tree)
    path = tmp_path / "model.pnml"
    path.write_text(write_pnml(net, name="a & <b>"), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, initial, final = pm4py.read_pnml(str(path), auto_guess_final_marking=True)
        assert pm4py.check_soundness(theirs, initial, final)[0]
    labels = sorted(str(transition.label) for transition in theirs.transitions)
    assert labels == sorted(str(label) for label in net.transitions)
    assert (len(theirs.places), len(theirs.arcs)) == (net.places, net.arc_count)
    assert [place.name for place in initial] == ["p0"] and [place.name for place in final] == ["p1"]


def test_odd_names_stay_what_they_are():
    tree = parse("->( 'a <&> \"b\"', 'é\u2713', 'bell\x07' )")
    labels = [label for label, *_ in read_pnml(write_pnml(net_of(tree), name="x")).transitions]
    assert labels == ['a <&> "b"', "é\u2713", "bell\ufffd"]
