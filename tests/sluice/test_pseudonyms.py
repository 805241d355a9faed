"""One person is one pseudonym, and nobody without the key can tell who."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import BadInput
from sluice.pseudonyms import Pseudonymiser, load_person_map

KEY, OTHER_KEY = b"a" * 32, b"b" * 32


@given(st.text(min_size=1, max_size=40))
def test_same_login_same_pseudonym_in_any_system_and_case(login):
    keyed = Pseudonymiser(KEY)
    assert keyed.person("erp_login", login) == keyed.person("desktop_login", f" {login.casefold()} ")


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_people_differ_and_keys_matter(one, other):
    keyed = Pseudonymiser(KEY)
    if one.strip().casefold() != other.strip().casefold():
        assert keyed.person("erp_login", one) != keyed.person("erp_login", other)
    assert keyed.person("erp_login", one) != Pseudonymiser(OTHER_KEY).person("erp_login", one)


def test_the_map_joins_logins_and_never_collides_with_a_login_of_the_same_text():
    keyed = Pseudonymiser(KEY, {("erp_login", "ada"): "bob", ("desktop_login", "al"): "bob"})
    assert keyed.person("erp_login", "Ada") == keyed.person("desktop_login", "al")
    assert keyed.person("erp_login", "ada") != keyed.person("erp_login", "bob")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("person,kind\n", "row 1: column value is missing"),
        ("person,kind,value\n1,erp_login,\n", "row 2: column value is empty"),
        (
            "person,kind,value\n1,email,a@b\n2,email,A@B\n",
            "row 3: column value: this email is already another person's",
        ),
        ("person,kind,value\n1,login,a\n", "row 2: column kind: expected one of erp_login"),
    ],
)
def test_a_bad_map_is_one_line_that_names_the_row_and_column(tmp_path, text, line):
    path = tmp_path / "people.csv"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        load_person_map(path)
    assert line in str(caught.value) and "\n" not in str(caught.value)
