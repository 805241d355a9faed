"""The patterns of labels, at the gate of the results: the labels of the whole log as it will be published.

They are read from the variants, so a night costs the number of variants, not of events.
"""

import psycopg
from psycopg import sql

from expectations.build import exists
from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.mining_checks import log_cases, log_variants
from expectations.patterns.distorted_label import distorted_label
from expectations.patterns.knowledge import knowledge_of
from expectations.patterns.labels import find_distorted, find_polluted, find_synonyms
from expectations.patterns.polluted_label import polluted_label
from expectations.patterns.suggestions import (
    Suggestion,
    Variant,
    suggest_distorted,
    suggest_elusive,
    suggest_homonyms,
    suggest_synonyms,
)
from expectations.patterns.synonymous_labels import synonymous_labels

MAX_VARIANTS = 2_000  # the most frequent ones, for the contexts of labels
LONGEST = 20  # cases that are looked at


def label_checks(db: psycopg.Connection, declared: GateDeclaration) -> list[Check]:
    """The checks of labels, after what they read was made; none while there are no variants of the process.

    Makes candidate.<process>__label_findings anew, and replaces the process's rows of quality.label_suggestions.
    """
    if not exists(db, "candidate", f"{declared.name}__mining_variants"):
        return []
    known = knowledge_of(declared)
    counts = _counts(db, declared.name)
    polluted = find_polluted(counts, known)
    apart = {finding.label for finding in polluted}
    distorted = find_distorted({label: count for label, count in counts.items() if label not in apart}, known)
    found = [*polluted, *distorted, *find_synonyms(counts, known)]
    table = sql.Identifier("candidate", f"{declared.name}__label_findings")
    db.execute(sql.SQL("drop table if exists {}").format(table))
    db.execute(
        sql.SQL(
            """create table {} (pattern text not null, label text not null, beside text not null,
                                evidence text not null, event_count bigint not null, primary key (pattern, label))"""
        ).format(table)
    )
    with db.cursor() as cursor:
        cursor.executemany(
            sql.SQL("insert into {} values (%s, %s, %s, %s, %s)").format(table),
            [(one.pattern, one.label, one.beside, one.evidence, counts[one.label]) for one in found],
        )
    variants = _variants(db, declared.name)
    suspected = {finding.label for finding in found}
    keep_suggestions(
        db,
        declared.name,
        [
            *suggest_synonyms(variants, known),
            *suggest_homonyms(variants, known),
            *suggest_distorted({k: v for k, v in counts.items() if k not in apart}, suspected, known),
            *_elusive(db, declared),
        ],
    )
    return [
        polluted_label(declared, len(counts)),
        distorted_label(declared, len(counts)),
        synonymous_labels(declared, len(counts)),
    ]


def keep_suggestions(db: psycopg.Connection, process: str, suggestions: list[Suggestion]) -> None:
    """Replace the suggestions of a process."""
    db.execute("delete from quality.label_suggestions where process = %s", (process,))
    ranks: dict[str, int] = {}
    with db.cursor() as cursor:
        for one in suggestions:
            ranks[one.pattern] = ranks.get(one.pattern, 0) + 1
            cursor.execute(
                """insert into quality.label_suggestions (process, pattern, rank, label_a, label_b, score, evidence)
                   values (%s, %s, %s, %s, %s, %s, %s)""",
                (process, one.pattern, ranks[one.pattern], one.label_a, one.label_b, one.score, one.evidence),
            )


def _counts(db: psycopg.Connection, process: str) -> dict[str, int]:
    variants = sql.Identifier("candidate", f"{process}__mining_variants")
    return dict(
        db.execute(
            sql.SQL(
                """select step, sum(case_count)::bigint from {}, unnest(activities) as step
                   group by step order by step collate "C" """
            ).format(variants)
        ).fetchall()
    )


def _variants(db: psycopg.Connection, process: str) -> list[Variant]:
    variants = sql.Identifier("candidate", f"{process}__mining_variants")
    return [
        Variant(tuple(activities), count)
        for activities, count in db.execute(
            sql.SQL(
                """select activities, case_count from {} order by case_count desc, variant_id collate "C" limit {}"""
            ).format(variants, sql.Literal(MAX_VARIANTS))
        )
    ]


def _elusive(db: psycopg.Connection, declared: GateDeclaration) -> list[Suggestion]:
    """Suggestions of cases, of the log as it will be published; none where a case is a person's session."""
    if not declared.is_case_level_public:
        return []
    lengths = f"select event_count / case_count as length, case_count from {log_variants(declared.name)}"
    usual, long = db.execute(
        f"""select min(length) filter (where upto >= 0.99 * every), max(length) filter (where beyond >= {LONGEST})
            from (select length, sum(case_count) over (order by length) as upto, sum(case_count) over () as every,
                         sum(case_count) over (order by length desc) as beyond from ({lengths}) as l) as counted"""
    ).fetchone()
    longest = db.execute(
        f"""select case_id, event_count from ({log_cases(declared.name, "case_id, event_count", "event_count >= %s")}) as c
            order by event_count desc, case_id collate "C" limit {LONGEST}""",
        (long or 0,) * 2,
    ).fetchall()
    return suggest_elusive(dict(longest), float(usual or 0), knowledge_of(declared))
