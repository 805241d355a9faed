"""Integer keys as bits: 64 neighbouring keys are one number."""

import struct
from collections.abc import Sequence

from psycopg import sql

_SHIFTED = {
    "smallint": sql.SQL("1::bigint << ({key} & 63)::integer"),
    "integer": sql.SQL("1::bigint << ({key} & 63)"),
    "bigint": sql.SQL("1::bigint << ({key} & 63)::integer"),
}
PACKABLE = frozenset(_SHIFTED)
BITS = {"bucket": "bigint", "bits": "bigint"}
_LARGEST_BITMAP = 1 << 25  # bytes; PostgreSQL's own get_bit counts bits up to 2^31 in every release


def packed(keys: sql.Composable, key: str, kind: str, marked: tuple[sql.Composable, str] | None = None) -> sql.Composed:
    """Bucket n has the keys 64 n to 64 n + 63 of the query `keys`, negative ones too; bit m is there if key 64 n + m is.

    marked: a condition on the rows of `keys`, and the name of a third column with the bits of those that meet it.
    """
    name = sql.Identifier("k", key)
    parts = {"key": name, "shifted": _SHIFTED[kind].format(key=name), "keys": keys}
    more = sql.SQL("")
    if marked is not None:
        more = sql.SQL(", bit_or({}) filter (where {}) as {}").format(
            parts["shifted"], marked[0], sql.Identifier(marked[1])
        )
    return sql.SQL(
        "select ({key} >> 6)::bigint as bucket, bit_or({shifted}) as bits{more} from ({keys}) as k group by 1"
    ).format(**parts, more=more)


def unpacked(bits: sql.Composable, column: str, key: str, kind: str) -> sql.Composed:
    """The keys whose bits are in `column` of the table `bits`."""
    return _keys_of(
        sql.SQL("select bucket, {column} as bits from {bits} where {column} <> 0").format(
            column=sql.Identifier(column), bits=bits
        ),
        key,
        kind,
    )


def difference(one: sql.Composable, other: sql.Composable, key: str, kind: str) -> sql.Composed:
    """The keys whose bits are in `one` and not in `other`."""
    return _keys_of(
        sql.SQL(
            """select one.bucket, one.bits & ~coalesce(other.bits, 0) as bits
               from {one} as one left join {other} as other on other.bucket = one.bucket
               where one.bits & ~coalesce(other.bits, 0) <> 0"""
        ).format(one=one, other=other),
        key,
        kind,
    )


def _keys_of(buckets: sql.Composed, key: str, kind: str) -> sql.Composed:
    """The keys of the query `buckets`. It gives few, which the planner cannot know: not materialized, each bucket there is
    would be looked at 64 times."""
    return sql.SQL(
        """with d as materialized ({buckets})
           select (d.bucket * 64 + n.bit)::{kind} as {key}
           from d cross join generate_series(0, 63) as n(bit) where (d.bits >> n.bit) & 1 = 1"""
    ).format(kind=sql.SQL(kind), key=sql.Identifier(key), buckets=buckets)


def bitmap(buckets: Sequence[tuple[int, int]]) -> bytes | None:
    """The keys of (bucket, bits) as one string of bits, for `in_bitmap`; None where it would be too long, or a key is
    negative."""
    numbers = [bucket for bucket, _ in buckets]
    length = (max(numbers, default=-1) + 1) * 8
    if min(numbers, default=0) < 0 or length > _LARGEST_BITMAP:
        return None
    whole = bytearray(length)
    for bucket, bits in buckets:
        struct.pack_into("<q", whole, bucket * 8, bits)
    return bytes(whole)


def in_bitmap(bits: bytes, column: str) -> sql.Composed:
    """Whether the key in `column`, an integer of any width or null, is in a `bitmap`: what looks nothing up, and cannot fail
    for a key beyond its end."""
    return sql.SQL(
        "case when {column} between 0 and {last} then get_bit({bits}, {column}::integer) = 1 else false end"
    ).format(column=sql.Identifier(column), last=sql.Literal(len(bits) * 8 - 1), bits=sql.Literal(bits))
