"""Process trees: their text form, and that reducing one keeps its language."""

import random

import pytest
from hypothesis import given, settings

from mining_tasks.process_tree import (
    TAU,
    activity,
    can_be_empty,
    count_nodes,
    parse,
    reduced,
    sequence,
)
from sluice.errors import BadInput
from tests.mining_tasks.trees import accepts_empty, allows, any_tree, play, random_tree, same_language


@settings(max_examples=300, deadline=None)
@given(any_tree())
def test_reducing_keeps_the_language_and_is_done_once(tree):
    small = reduced(tree)
    assert same_language(tree, small), (tree.text, small.text)
    assert reduced(small) == small
    assert can_be_empty(tree) == can_be_empty(small) == accepts_empty(tree)
    assert sum(count_nodes(small).values()) <= sum(count_nodes(tree).values())


@settings(max_examples=200, deadline=None)
@given(any_tree())
def test_text_gives_the_tree_again(tree):
    assert parse(tree.text) == tree
    assert parse(tree.text.replace(" ", "")) == tree


@pytest.mark.parametrize("name", ["it's", "back\\slash", "a, b )", "", "tau", "-> (", "é\nü", "\\'"])
def test_any_name_is_read_back(name):
    tree = sequence(activity(name), TAU)
    assert parse(tree.text) == tree


@pytest.mark.parametrize(
    "text", ["", "'a", "->('a'", "->('a',)", "'a' 'b'", "X()", "*('a')", "*('a','b','c')", "tau)", "Y('a')", "a"]
)
def test_what_is_no_tree_says_where(text):
    with pytest.raises(BadInput, match="process tree: expected"):
        parse(text)


@pytest.mark.parametrize("seed", range(20))
def test_the_automaton_of_the_tests_allows_what_is_played(seed):
    chance = random.Random(seed)
    tree = random_tree(chance, 6, silent=0.3)
    assert all(allows(tree, play(tree, chance)) for _ in range(20))


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("*( 'a', tau )", "->( 'a', *( tau, 'a' ) )", True),
        ("*( 'a', 'b' )", "->( 'a', *( tau, ->( 'b', 'a' ) ) )", True),
        ("+( 'a', 'b' )", "X( ->( 'a', 'b' ), ->( 'b', 'a' ) )", True),
        ("+( 'a', 'b' )", "->( 'a', 'b' )", False),
        ("*( 'a', 'b' )", "*( 'a', X( 'b', tau ) )", False),
        ("X( 'a', tau )", "'a'", False),
    ],
)
def test_languages_are_told_apart(one, other, is_same):
    assert same_language(parse(one), parse(other)) == is_same
