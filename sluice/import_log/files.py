"""The file that an event log comes in: plain or gzip, told apart by content, read in chunks.

Every way in which a file can be unreadable ends in one BadInput that names the file.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sluice.errors import BadInput

CHUNK_BYTES = 1 << 18
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True)
class LogFile:
    """A file whose content is known: file_id are the first 16 hex digits of the SHA-256 of the *unpacked* content.

    format: 'xes' or 'csv'. encoding: what its byte order mark says, or None.
    """

    path: Path
    file_id: str
    format: str
    encoding: str | None
    byte_count: int
    is_packed: bool

    def chunks(self) -> Iterator[bytes]:
        """The unpacked content, piece by piece; BadInput if it cannot be read to its end."""
        return _chunks(self.path, self.is_packed)


def open_log(path: Path, *, declared_format: str | None = None) -> LogFile:
    """Read `path` once: is it whole, what is it, which content has it.

    declared_format: 'xes' or 'csv' where the content is not to decide. Raises BadInput.
    """
    try:
        if not path.is_file():
            raise BadInput(
                f"{path}: {'is a folder' if path.is_dir() else 'there is no such file'}: "
                "give an XES or CSV file, plain or .gz"
            )
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    digest, size, head = hashlib.sha256(), 0, b""
    for chunk in _chunks(path, packed):
        digest.update(chunk)
        size += len(chunk)
        if len(head) < 4096:
            head += chunk[:4096]
    if not head.strip():
        raise BadInput(f"{path}: is empty: an event log was expected")
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if head.startswith(mark)), None)
    text = head[:4096].decode(encoding or "latin-1", errors="ignore").lstrip("\ufeff \t\r\n")
    found = declared_format or ("xes" if text.startswith("<") else "csv")
    if found == "xes" and not text.startswith("<"):
        raise BadInput(f"{path}: line 1: is no XML, so no XES: expected it to begin with '<'")
    if (
        found == "csv"
        and encoding != "utf-16"
        and (head.startswith(b"PK\x03\x04") or b"\x00" in head.split(b"\n", 1)[0])
    ):
        raise BadInput(
            f"{path}: is neither XES nor CSV but binary (a workbook, an archive?): export the log as XES or CSV"
        )
    return LogFile(path, digest.hexdigest()[:16], found, encoding, size, packed)


def _chunks(path: Path, packed: bool) -> Iterator[bytes]:
    line = 1
    try:
        with gzip.open(path, "rb") if packed else open(path, "rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
                line += chunk.count(b"\n") if packed else 0
    except EOFError:
        raise BadInput(
            f"{path}: line {line}: the compressed file is cut off (readable up to about this line): copy it again"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(
            f"{path}: line {line}: the compressed file is damaged after about this line ({error}): copy it again"
        ) from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from error
