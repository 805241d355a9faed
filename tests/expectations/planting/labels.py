"""Plantings in labels: with ids or names in them, mistyped, another word for the same, one word for two things."""

import string
from collections import Counter

from tests.expectations.planting.registry import Site, Truth, planting

_SYNONYMS = ("Sign Off", "DrSeen", "Gate Passed", "Hand Over", "Wrap Up", "Kick Off", "Dispatch", "Settle")
_NAMES = (
    "Miller",
    "Tanaka",
    "Okafor",
    "Rossi",
    "Novak",
    "Silva",
    "Haddad",
    "Larsen",
    "Kowalski",
    "Nguyen",
    "Dubois",
    "Cohen",
)


def _relabel(site: Site, name) -> tuple[frozenset[str], frozenset[str]]:
    """Give one event of each picked case the label that `name(event, number)` makes; (cases, labels)."""
    picked, labels = site.pick(), {}
    for number, events in enumerate(picked.values()):
        event = site.chance.choice(events)
        labels[event.source_key] = name(event, number)
    site.log.change(lambda event: event.source_key in labels, activity=lambda event: labels[event.source_key])
    return frozenset(picked), frozenset(labels.values())


@planting("polluted_label", check="polluted_label", forms=("number", "id_inside", "name", "date", "quantity"))
def plant_polluted(site: Site) -> Truth:
    """A label with a part that changes from event to event: a number, an id, a name, a date, at a fixed place."""
    form = site.form()

    def name(event, number):
        first, *rest = event.activity.split(" ")
        last = " ".join(rest)
        match form:
            case "number":
                return f"{event.activity} {site.chance.randrange(10_000, 99_999)}"
            case "id_inside":
                return f"{first} DOC-{site.chance.randrange(1000, 9999)}/{site.chance.randrange(10, 99)} {last}".strip()
            case "name":
                return f"{event.activity} by {site.chance.choice(_NAMES)}"
            case "date":
                return f"{event.activity} ({event.occurred_at:%d.%m.%Y})"
            case _:
                return f"{first} {site.chance.randrange(2, 900)} x {last}".strip()

    cases, labels = _relabel(site, name)
    return Truth(cases, labels)


@planting("distorted_label", check="distorted_label", forms=("case", "spaces", "punctuation", "accent", "typing"))
def plant_distorted(site: Site) -> Truth:
    """A label that is typed a little differently: its case, spaces, punctuation, an accent, or one letter."""
    known = {event.activity for event in site.log.events}

    def name(event, number):
        label, form = event.activity, site.form()
        match form:
            case "case":
                made = site.chance.choice((label.lower(), label.upper(), label.swapcase()))
            case "spaces":
                made = site.chance.choice((f"{label} ", f" {label}", label.replace(" ", "  "), label.replace(" ", "")))
            case "punctuation":
                made = site.chance.choice((f"{label}.", label.replace(" ", "-"), label.replace(" ", "_"), f"{label}!"))
            case "accent":
                made = label.translate(str.maketrans("aeo", "áéó"))
            case _:
                made = _mistyped(label, site)
        return made if made not in known else f"{label}."

    cases, labels = _relabel(site, name)
    return Truth(cases, labels)


def _mistyped(label: str, site: Site) -> str:
    """One letter left out, doubled, replaced, or swapped with the next one (not the first letter)."""
    places = [place for place in range(1, len(label) - 1) if label[place : place + 2].isalpha()]
    place = site.chance.choice(places)
    match site.chance.randrange(4):
        case 0:
            return label[:place] + label[place + 1 :]
        case 1:
            return label[: place + 1] + label[place:]
        case 2:
            letter = site.chance.choice([one for one in string.ascii_lowercase if one != label[place].lower()])
            return label[:place] + letter + label[place + 1 :]
    swapped = label[:place] + label[place + 1] + label[place] + label[place + 2 :]
    return swapped if swapped != label else label[:place] + label[place + 1 :]


@planting("synonymous_labels", check="synonymous_labels", forms=("one", "two"))
def plant_synonyms(site: Site) -> Truth:
    """In the picked cases an activity has another name, as another system calls it (or two other names).

    An activity that every third case has: a name is no synonym of one that is not in the log any more."""
    counts = Counter(name for events in site.log.cases().values() for name in {event.activity for event in events})
    names = sorted(name for name, count in counts.items() if count >= len(site.log.cases()) / 3)
    words = site.chance.sample([word for word in _SYNONYMS if word not in names], 4)
    groups = {
        name: [words.pop() for _ in range(2 if site.form() == "two" else 1)] for name in site.chance.sample(names, 2)
    }
    picked = site.pick(lambda events: any(event.activity in groups for event in events))
    chosen = {(case, name): site.chance.choice(words) for case in picked for name, words in groups.items()}
    used = {
        chosen[event.case_id, event.activity] for event in site.log.events if (event.case_id, event.activity) in chosen
    }
    site.log.change(
        lambda event: (event.case_id, event.activity) in chosen,
        activity=lambda event: chosen[event.case_id, event.activity],
    )
    declared = [[name, *words] for name, words in sorted(groups.items())]
    return Truth(frozenset(picked), frozenset(used), {"patterns": {"synonymous_labels": declared}})


@planting("homonymous_label", check="homonymous_label", forms=("two", "several"))
def plant_homonyms(site: Site) -> Truth:
    """An activity's name stands for something else as well, which happens later in the case."""
    names = sorted({event.activity for event in site.log.events})
    counts = {name: [0, 0] for name in names}
    for events in site.log.cases().values():
        for name in {event.activity for event in events}:
            counts[name][0] += 1
            counts[name][1] += len({event.occurred_at for event in events if event.activity == name})
    half = len(site.log.attributes) / 2
    word = site.chance.choice([name for name, (cases, events) in counts.items() if cases == events and cases > half])
    picked = site.pick(
        lambda events: (
            len(events) >= 4
            and sum(event.activity == word for event in events) == 1
            and any(event.activity == word and event.occurred_at < events[-1].occurred_at for event in events)
        )
    )
    for events in picked.values():
        begun = next(event.occurred_at for event in events if event.activity == word)
        later = [event for event in events if event.occurred_at > begun]
        count = 1 if site.form() == "two" else site.chance.randint(1, min(3, len(later)))
        keys = {event.source_key for event in site.chance.sample(later, count)}
        site.log.change(lambda event, keys=keys: event.source_key in keys, activity=word)
    return Truth(frozenset(picked), frozenset({word}), {"patterns": {"homonymous_label": [word]}})
