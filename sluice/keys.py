"""Keys of the event log in Python and as SQL expressions: each is computed from content, never from a sequence.

The dbt macros (dbt_project/macros/keys.sql) compute the same; a test holds that all three agree.
"""

import uuid
from collections.abc import Iterable
from hashlib import sha256

SEPARATOR = "\x1f"  # the ASCII unit separator


def _digest(parts: Iterable[str]) -> bytes:
    return sha256(SEPARATOR.join(parts).encode()).digest()


def event_id(
    process: str, case_id: str, source_system: str, source_table: str, source_key: str, activity: str, ordinal: int
) -> uuid.UUID:
    """First 16 bytes of the SHA-256 of what the event is; time is no part of it.

    source_key carries the row's key (or a file's id and position); ordinal counts events of one activity that one
    source row gives rise to, from 1.
    """
    parts = (process, case_id, source_system, source_table, source_key, activity, str(ordinal))
    return uuid.UUID(bytes=_digest(parts)[:16])


def case_key(process: str, case_id: str) -> int:
    """First 8 bytes, big endian, as a signed 64-bit integer.

    >>> -2**63 <= case_key("purchase_to_pay", "P00017") < 2**63
    True
    """
    return int.from_bytes(_digest((process, case_id))[:8], "big", signed=True)


def activity_key(activity: str) -> int:
    """First 31 bits, so that it fits a non-negative Postgres int."""
    return int.from_bytes(_digest((activity,))[:4], "big") >> 1


def variant_id(activities: Iterable[str]) -> str:
    """First 16 hex digits of the hash of the activities in event_seq order."""
    return _digest(activities)[:8].hex()


def _sql_hash(parts: Iterable[str], byte_count: int) -> str:
    joined = " || e'\\x1f' || ".join(parts)
    return f"substr(sha256(convert_to({joined}, 'UTF8')), 1, {byte_count})"


def event_id_sql(
    process: str, case_id: str, source_system: str, source_table: str, source_key: str, activity: str, ordinal: str
) -> str:
    """`event_id` as an SQL expression; every argument is an SQL expression, all text but the ordinal."""
    parts = (process, case_id, source_system, source_table, source_key, activity, f"({ordinal})::text")
    return f"encode({_sql_hash(parts, 16)}, 'hex')::uuid"


def case_key_sql(process: str, case_id: str) -> str:
    """`case_key` as an SQL expression."""
    return f"('x' || encode({_sql_hash((process, case_id), 8)}, 'hex'))::bit(64)::bigint"


def activity_key_sql(activity: str) -> str:
    """`activity_key` as an SQL expression."""
    return f"('x' || encode({_sql_hash((activity,), 4)}, 'hex'))::bit(32)::bit(31)::int"


def variant_id_sql(activity: str, event_seq: str) -> str:
    """`variant_id` as an SQL aggregate over the events of a case."""
    joined = f"string_agg({activity}, e'\\x1f' order by {event_seq})"
    return f"encode(substr(sha256(convert_to({joined}, 'UTF8')), 1, 8), 'hex')"
