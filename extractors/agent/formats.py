"""Tells the format of a file from its content and hands it to its parser."""

import gzip
import io
import zlib
from collections.abc import Iterator

from extractors.agent import activitywatch, rpa_logger, smartrpa
from extractors.agent.csv_rows import tell_delimiter
from extractors.agent.deidentify import Rules
from extractors.agent.records import Action, BadRow, EmptyExport, Refused

LARGEST_BYTES = 256 * 1024**2  # of a file and of what it packs: a day of recordings has a few
_UNKNOWN = (
    "unknown format: expected a CSV of the RPA UI logger or SmartRPA, or a JSON bucket export of ActivityWatch; "
    "take it out of the folder"
)


def unpack(raw: bytes) -> bytes:
    """The content of a file: itself, or what a .gz packs (told by its first bytes). Raises Refused if it is broken."""
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        with gzip.open(io.BytesIO(raw)) as packed:
            content = packed.read(LARGEST_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise Refused("the gzip stream is cut or damaged; copy it again") from None
    if len(content) > LARGEST_BYTES:
        raise Refused(f"larger than {LARGEST_BYTES // 2**20} MiB unpacked: split the export")
    return content


def decode(content: bytes) -> str:
    """The text of a file: UTF-8 with or without a BOM, UTF-16 with one. Raises Refused if it is neither."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Refused(
            f"not {encoding.removesuffix('-sig').upper()} text (byte {error.start}): export it as UTF-8"
        ) from None


def tell(text: str) -> tuple[str, str]:
    """(format, delimiter) of a text; the delimiter is empty for JSON. Raises Refused or EmptyExport."""
    start = text.lstrip()[:1]
    if not start:
        raise EmptyExport("nothing in it")
    if start in "{[":
        return "activitywatch", ""
    header = text.split("\n", 1)[0].rstrip("\r")[:100_000]
    for parser, name in ((rpa_logger, "rpa_logger"), (smartrpa, "smartrpa")):
        delimiter = tell_delimiter(header, parser.REQUIRED, parser.DELIMITERS, parser.TITLE)
        if delimiter is not None:
            return name, delimiter
    raise Refused(_UNKNOWN)


def parse(text: str, name: str, delimiter: str, rules: Rules) -> Iterator[Action | BadRow]:
    """All rows of a file of a told format: actions and bad rows, in the file's order."""
    if name == "activitywatch":
        return activitywatch.parse(text, rules)
    parser = {"rpa_logger": rpa_logger, "smartrpa": smartrpa}[name]
    return parser.parse(text, delimiter, rules)
