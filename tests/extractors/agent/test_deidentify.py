"""What is derived from content: times, kinds, relations to copies, keys that tell apart and give nothing away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.agent.deidentify import (
    Clipboards,
    Clock,
    Rules,
    Values,
    cell_place,
    declared_zone,
    is_secret,
    page_of,
    structural_path,
    value_kind,
)
from extractors.agent.vocabulary import load_vocabulary
from sluice.errors import BadInput
from sluice.pseudonyms import Pseudonymiser

BERLIN = declared_zone("Europe/Berlin")


def utc(clock, *texts):
    return [clock.read(text).strftime("%d %H:%M") for text in texts]


def test_an_offset_counts_and_a_naive_time_is_local():
    assert utc(Clock(BERLIN), "2025-07-01T12:00:00Z", "2025-07-01T12:00:00+10:00", "2025-07-01 12:00:00") == [
        "01 12:00",
        "01 02:00",
        "01 10:00",
    ]


def test_the_repeated_hour_of_autumn_follows_the_sequence():
    times = (
        "2025-10-26T02:10",
        "2025-10-26T02:55",
        "2025-10-26T02:54",
        "2025-10-26T02:05",
        "2025-10-26T02:50",
        "2025-10-26T03:00",
    )
    assert utc(Clock(BERLIN), *times) == ["26 00:10", "26 00:55", "26 00:54", "26 01:05", "26 01:50", "26 02:00"]


def test_the_skipped_hour_of_spring_reads_as_if_the_clock_had_not_changed():
    assert utc(Clock(BERLIN), "2025-03-30T01:59", "2025-03-30T02:30", "2025-03-30T03:00") == [
        "30 00:59",
        "30 01:30",
        "30 01:00",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "2025-02-30T00:00:00",
        "1899-01-01T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
        "2025-01-01T00:00:00Z" * 9,
        "\x00",
    ],
)
def test_what_is_no_time_is_none(text):
    assert Clock(BERLIN).read(text) is None


@given(st.text(max_size=60))
def test_any_text_is_a_time_or_none(text):
    Clock(BERLIN).read(text)


def test_a_zone_that_is_none_is_refused():
    with pytest.raises(BadInput, match="IANA"):
        declared_zone("Berlin")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("12", "number"),
        ("1.234,50 EUR", "number"),
        ("-3", "number"),
        ("11/03/1986", "date"),
        ("2025-03-03 10:00", "date"),
        ("a@b.example", "email"),
        ("+61 039 689 9324", "phone"),
        ("(555) 123-4567", "phone"),
        ("https://x.example", "url"),
        ("yes", "boolean"),
        ("P00012", "document"),
        ("BILL/2025/01/0001", "document"),
        ("some text", "text"),
        ("7" * 5000, "number"),
        ("1 " * 50_000, "number"),
    ],
)
def test_value_kinds(value, kind):
    assert value_kind(value, load_vocabulary()) == kind


def test_relation_to_the_last_copies():
    clipboards = Clipboards()
    assert clipboards.relation("p", "x") == ("none", None)
    clipboards.copied("p", 1, "John Doe")
    clipboards.copied("p", 2, "+61 039 689 9324")
    assert clipboards.relation("p", "John Doe") == ("equal", 1)
    assert clipboards.relation("p", " +61 039 689 9324 ") == ("equal", 2)
    assert clipboards.relation("p", "039-689-9324") == ("transformed", 2)
    assert clipboards.relation("p", "Melbourne") == ("none", None)
    assert clipboards.relation("q", "John Doe") == ("none", None)
    assert clipboards.relation("p", "") == ("none", None)
    clipboards.copied("p", 3, "122 Albert St\tPort Melbourne\tVIC\t3207")
    assert clipboards.relation("p", "122 Albert St, Port Melbourne, VIC, 3207") == ("transformed", 3)


def test_only_the_last_fifty_copies_are_remembered():
    clipboards = Clipboards()
    for number in range(60):
        clipboards.copied("p", number, f"value number {number}")
    assert clipboards.relation("p", "value number 10")[0] == "equal"
    assert clipboards.relation("p", "value number 9")[0] != "equal"


def test_a_label_that_gives_a_typed_value_away_is_none(rules):
    assert rules.label(Values(), "q3_name[first]") == "name first"
    assert rules.label(Values(["Name"]), "q3_name[first]") is None
    assert rules.label(Values(["Name first"]), "q3_name[first]") is None
    assert rules.label(Values(["me"]), "q3_name[first]") == "name first"
    assert rules.label(Values(["Name"]), "q3_name[first]", "e-mail") == "mail"


@given(st.text(max_size=80))
def test_a_label_is_made_of_declared_words_only(text):
    vocabulary = load_vocabulary()
    assert set((vocabulary.label(text) or "name").split()) <= vocabulary.label_words


@given(st.text(max_size=200))
def test_a_document_number_is_a_whole_word_of_a_declared_pattern(text):
    vocabulary = load_vocabulary()
    found = vocabulary.document_in(text)
    assert found is None or vocabulary.document.fullmatch(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Pay BILL/2025/01/0001, please", "BILL/2025/01/0001"),
        ("xP00012", None),
        ("P00012.", "P00012"),
        ("P00012 - Odoo", "P00012"),
        ("SP00012", None),
        ("p00012", None),
        ("WH/IN/00012", "WH/IN/00012"),
        ("INV/2025/00001", "INV/2025/00001"),
        ("PBNK1/2025/00007", "PBNK1/2025/00007"),
        ("", None),
    ],
)
def test_document_numbers(text, found):
    assert load_vocabulary().document_in(text) == found


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://erp.example/odoo/purchase/12?x=1#y", "erp.example/odoo/purchase/#"),
        ("www.webpage.com/ok", "www.webpage.com/ok"),
        ("http://[x", ""),
        ("", ""),
        ("https://user:secret@h.example/a", "h.example/a"),
        ("chrome://newtab", "newtab"),
        ("https://h.example/" + "a" * 99, "h.example/#"),
    ],
)
def test_pages_hold_no_query_no_user_and_no_number(url, page):
    assert page_of(url) == page


def test_places():
    assert cell_place("$A$12") == ("A", 12, True)
    assert cell_place("Sheet1!C2:F2") == ("C:F", 2, False)
    assert cell_place("first_3") is None
    assert structural_path("/HTML[1]/BODY[1]/DIV[2]") == "/html[1]/body[1]/div[2]"
    assert structural_path('id("npkfazUMVSvNRLsJ")') == structural_path("//a[text()='x']") == ""


def test_secrets_are_known_by_type_name_or_caption():
    assert (
        is_secret("password")
        and is_secret("", "user_passwd")
        and is_secret("", "", "Your PIN")
        and is_secret("Kennwort")
    )
    assert not is_secret("text", "shipping", "pinboard")


def test_keys_depend_on_the_secret_and_people_fold():
    one = Rules(Pseudonymiser(b"1" * 32, {}), load_vocabulary(), BERLIN)
    two = Rules(Pseudonymiser(b"2" * 32, {}), load_vocabulary(), BERLIN)
    assert one.person("Anna ") == one.person("anna") != two.person("anna")
    assert one.key("page", "x") != two.key("page", "x")
    assert one.key("page", "x") != one.key("sheet", "x")
    assert one.person(" ") is None and one.key("page", "") is None


def test_a_person_is_one_over_desktop_and_erp():
    people = {("desktop_login", "pc-7"): "1", ("erp_login", "anna@x.example"): "1"}
    keyed = Pseudonymiser(b"1" * 32, people)
    assert Rules(keyed, load_vocabulary(), BERLIN).person("PC-7") == keyed.person("erp_login", "anna@x.example")
