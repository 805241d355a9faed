"""How alike two labels are, as text: folded forms, edit distance, templates. Pure functions of texts."""

import re
import unicodedata

_MUTABLE = re.compile(
    r"""
    [\w.+-]+@[\w-]+(?:\.[\w-]+)+                # an e-mail address
    | \b[0-9a-f]{8}-[0-9a-f-]{27}\b             # a uuid
    | \(?\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b\)? # a date
    | [^\s(),;:]*\d[^\s(),;:]*                  # a word with a digit in it
    """,
    re.VERBOSE | re.IGNORECASE,
)
HOLE = "§"


def folded(label: str) -> str:
    """The label without what typing changes by accident: case, accents, spaces, punctuation.

    >>> folded("Follow-up  a call.") == folded("follow up a Call")
    True
    """
    plain = unicodedata.normalize("NFKD", label.casefold())
    return "".join(letter for letter in plain if letter.isalnum())


def distance(one: str, other: str, limit: int) -> int:
    """Edit distance with adjacent transpositions (optimal string alignment); limit + 1 where it is more than limit.

    >>> distance("Infomation", "Information", 2), distance("Sned", "Send", 2), distance("Approve", "Reject", 2)
    (1, 1, 3)
    """
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        this = [row, *([0] * len(other))]
        for column, against in enumerate(other, 1):
            this[column] = min(last[column] + 1, this[column - 1] + 1, last[column - 1] + (letter != against))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == against:
                this[column] = min(this[column], before[column - 2] + 1)
        if min(this) > limit:
            return limit + 1
        before, last = last, this
    return min(last[-1], limit + 1)


def is_coded(one: str, other: str) -> bool:
    """Whether two labels differ in codes alone (numbers, one or two letters): Release A and Release B are two things."""
    left, right = re.findall(r"[^\W_]+", one.casefold()), re.findall(r"[^\W_]+", other.casefold())
    if len(left) != len(right):
        return False
    differing = [(a, b) for a, b in zip(left, right, strict=True) if a != b]
    return bool(differing) and all(
        (len(a) <= 2 and len(b) <= 2) or (re.search(r"\d", a) and re.search(r"\d", b)) for a, b in differing
    )


def is_other_word(one: str, other: str) -> bool:
    """Whether words differ by more than typing explains: one edit, two from 8 letters on (Order and Offer are two words).

    Only labels of as many words can be compared so; others differ in their spaces.
    """
    left, right = re.findall(r"[^\W_]+", one.casefold()), re.findall(r"[^\W_]+", other.casefold())
    return len(left) == len(right) and any(
        distance(a, b, 2) > (1 if min(len(a), len(b)) < 8 else 2) for a, b in zip(left, right, strict=True) if a != b
    )


def template(label: str) -> str:
    """The label with a hole for each part that looks like data: a number, an id, a date, an address.

    >>> template("Approve order 4711 (05.03.2024)")
    'Approve order § §'
    """
    return _MUTABLE.sub(HOLE, label)


def rest_around(label: str, known: str) -> list[str] | None:
    """The words of a label beyond those of a known label, which must be among them in their order; None if they are not.

    >>> rest_around("Approve 37 x Order", "Approve Order")
    ['37', 'x']
    """
    words, rest = label.split(), []
    wanted = known.split()
    for word in words:
        if wanted and word == wanted[0]:
            wanted.pop(0)
        else:
            rest.append(word)
    return rest if not wanted and rest else None
