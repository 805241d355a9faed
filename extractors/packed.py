"""Integer keys as bits: 64 neighbouring keys are one number."""

from psycopg import sql

_SHIFTED = {
    "smallint": sql.SQL("1::bigint << ({key} & 63)::integer"),
    "integer": sql.SQL("1::bigint << ({key} & 63)"),
    "bigint": sql.SQL("1::bigint << ({key} & 63)::integer"),
}
PACKABLE = frozenset(_SHIFTED)
BITS = {"bucket": "bigint", "bits": "bigint"}


def packed(keys: sql.Composable, key: str, kind: str) -> sql.Composed:
    """Bucket n has the keys 64 n to 64 n + 63 of the query `keys`, negative ones too; bit m is there if key 64 n + m is."""
    name = sql.Identifier("k", key)
    return sql.SQL(
        "select ({key} >> 6)::bigint as bucket, bit_or({shifted}) as bits from ({keys}) as k group by 1"
    ).format(key=name, shifted=_SHIFTED[kind].format(key=name), keys=keys)


def difference(one: sql.Composable, other: sql.Composable, key: str, kind: str) -> sql.Composed:
    """The keys whose bits are in `one` and not in `other`.

    Few buckets differ, which the planner cannot know: not materialized, each of them all would be looked at 64 times.
    """
    return sql.SQL(
        """with d as materialized (
               select one.bucket, one.bits & ~coalesce(other.bits, 0) as bits
               from {one} as one left join {other} as other on other.bucket = one.bucket
               where one.bits & ~coalesce(other.bits, 0) <> 0)
           select (d.bucket * 64 + n.bit)::{kind} as {key}
           from d cross join generate_series(0, 63) as n(bit) where (d.bits >> n.bit) & 1 = 1"""
    ).format(kind=sql.SQL(kind), key=sql.Identifier(key), one=one, other=other)
