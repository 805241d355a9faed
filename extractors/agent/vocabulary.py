"""The declared vocabulary (vocabulary.yml): the only words of a recording that may be shown."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sluice.errors import BadInput
from sluice.yaml_files import read_yaml, shown

_FILE = Path(__file__).with_name("vocabulary.yml")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+\d?")
_TOKENS = re.compile(r"[A-Za-z0-9][A-Za-z0-9/._-]*")


@dataclass(frozen=True)
class Vocabulary:
    """Look-ups from what an agent writes to what is shown."""

    version: int
    applications: dict[str, str]
    actions: dict[str, str]
    label_words: frozenset[str]
    document: re.Pattern

    def application(self, name: str) -> str | None:
        """The shown name of an application, or None if it is not declared."""
        folded = name.strip().casefold()
        return self.applications.get(folded.removesuffix(".exe"))

    def action(self, event_type: str) -> str:
        """The word for an agent's event type, `other` if it is not declared."""
        return self.actions.get(event_type.strip().casefold(), "other")

    def label(self, name: str) -> str | None:
        """The declared words within an element's name, or None.

        >>> load_vocabulary().label("q3_name[first]")
        'name first'
        """
        words = (word.casefold() for word in _WORDS.findall(name[:200]))
        found = [word if word in self.label_words else word.rstrip("0123456789") for word in words]
        return " ".join(word for word in found if word in self.label_words)[:80] or None

    def document_in(self, *texts: str) -> str | None:
        """The first whole word of the texts that is a declared document number, or None."""
        for text in texts:
            for token in _TOKENS.findall(text[:20_000]):
                if self.document.fullmatch(token.rstrip("./_-")):
                    return token.rstrip("./_-")
        return None


def _inverted(path: Path, section: str, entries: dict[str, list[str]]) -> dict[str, str]:
    if not isinstance(entries, dict) or not all(isinstance(names, list) for names in entries.values()):
        raise BadInput(
            f"{path}: {section}: expected what is shown and a list of the agents' names for it, found {shown(entries)}"
        )
    found: dict[str, str] = {}
    for entry, names in entries.items():
        for name in names:
            if found.setdefault(str(name).casefold(), entry) != entry:
                raise BadInput(f"{path}: {section}: {shown(name)} stands under two entries: keep one")
    return found


@cache
def load_vocabulary(path: Path = _FILE) -> Vocabulary:
    """Read the vocabulary; raises BadInput naming the file and the section."""
    try:
        data = read_yaml(path)
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file: the vocabulary of agent exports is expected there") from None
    if not isinstance(data, dict):
        raise BadInput(f"{path}: expected sections such as `applications:`")
    missing = {"version", "applications", "actions", "label_words", "documents"} - set(data)
    if missing:
        raise BadInput(f"{path}: section {', '.join(sorted(missing))} is missing")
    if type(data["version"]) is not int or not 0 <= data["version"] < 1000:
        raise BadInput(f"{path}: version: expected a whole number below 1000, found {shown(data['version'])}")
    for section in ("label_words", "documents"):
        if not isinstance(data[section], list) or not all(isinstance(one, str) for one in data[section]):
            raise BadInput(f"{path}: {section}: expected a list of texts, found {shown(data[section])}")
    try:
        document = re.compile("|".join(f"(?:{pattern})" for pattern in data["documents"]))
    except re.error as error:
        raise BadInput(f"{path}: documents: not a regular expression ({error.msg})") from error
    return Vocabulary(
        version=data["version"],
        applications=_inverted(path, "applications", data["applications"]),
        actions=_inverted(path, "actions", data["actions"]),
        label_words=frozenset(str(word).casefold() for word in data["label_words"]),
        document=document,
    )
