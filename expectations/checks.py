"""What a check is: one declaration, whose SQL names the bad rows, used by Great Expectations and by the quarantine
alike.

A check says in words what it expects and what to do; the gate adds what it found.
"""

from dataclasses import dataclass

SEVERITIES = ("block", "quarantine", "warn")
DIMENSIONS = (
    "structure",
    "completeness",
    "timeliness",
    "precision",
    "consistency",
    "validity",
    "uniqueness",
    "volume",
    "drift",
    "referential",
    "privacy",
)

# every check whose severity a process may declare
CANDIDATE_CHECKS = (
    "required_columns",
    "event_id_unique",
    "event_seq_contiguous",
    "case_key_unique",
    "cases_match_events",
    "attributes_match_cases",
    "cases_touched",
    "resource_is_pseudonym",
    "event_has_time",
    "not_in_future",
    "not_before_earliest",
    "no_placeholder_date",
    "end_not_before_start",
    "duration_not_negative",
    "not_at_midnight",
    "not_at_whole_hours",
    "no_daylight_saving_duplicate",
    "local_time_exists",
    "started_as_declared",
    "ended_as_declared",
    "has_mandatory_activities",
    "in_declared_order",
    "activity_known",
    "activity_declared",
    "case_id_unambiguous",
    "quarantined_share",
    # beside other cases, days and runs
    "not_open_too_long",
    "references_found",
    "no_gap",
    "no_stray_date",
    "times_precise",
    "freshness",
    "volume",
    "weekday_volume",
    "activity_drift",
    "category_drift",
)
PATTERN_CHECKS = (  # the event-log imperfection patterns that are found in cases
    "form_based_event_capture",
    "inadvertent_time_travel",
    "unanchored_event",
    "scattered_event",
    "elusive_case",
    "scattered_case",
    "collateral_events",
    "homonymous_label",
)
MINING_CHECKS = (
    "mining_tables",
    "mining_values",
    "mining_keys",
    "mining_time_order",
    "mining_k_anonymity",
    "mining_private_cases",
    "mining_dfg_total",
    "mining_activity_kpis_total",
    "mining_start_activities_total",
    "mining_end_activities_total",
    "mining_variants_match",
    "mining_drift",
    # the imperfection patterns that are found in the labels of the whole log
    "polluted_label",
    "distorted_label",
    "synonymous_labels",
)


@dataclass(frozen=True)
class Check:
    """One check of one layer.

    query: SQL that returns the bad rows. A per-case check returns (case_id, reason), one row per bad row; any other
    returns (reason). Reasons never hold personal columns. severity: `block` stops the run, `quarantine` takes the
    cases out (per-case checks alone), `warn` reports. checked: SQL of the number of rows looked at.
    dimension: which quality of the data it speaks of, one of DIMENSIONS. pattern: the event-log imperfection pattern
    (Suriadi et al., 2017) whose signature it looks for, if it does. scope: `case` where a case is judged by its own rows
    and `as_of` alone; `log` where it is judged beside others, or by rows that are not its own: such a check cannot
    quarantine, and what it found is replaced whole by every run. tolerance: the share of the rows looked at that may be
    bad by chance.
    """

    name: str
    severity: str
    expected: str
    remedy: str
    query: str
    is_per_case: bool = False
    checked: str | None = None
    dimension: str = "validity"
    pattern: str | None = None
    scope: str = "case"
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f"check {self.name}: severity is one of {', '.join(SEVERITIES)}, found {self.severity!r}")
        if self.dimension not in DIMENSIONS:
            raise ValueError(f"check {self.name}: dimension is one of {', '.join(DIMENSIONS)}, not {self.dimension!r}")
        if self.severity == "quarantine" and not self.can_quarantine:
            raise ValueError(f"check {self.name}: it cannot quarantine; use block or warn")

    @property
    def can_quarantine(self) -> bool:
        """Whether it names cases, each by its own rows: only then does a repair release them."""
        return self.is_per_case and self.scope == "case"


@dataclass(frozen=True)
class Outcome:
    """What a check found: `unexpected` bad rows of `checked` (None: not counted), told in one line.

    case_count: how many cases it named; None where it names none.
    """

    check: Check
    is_success: bool
    unexpected: int
    checked: int | None
    message: str
    case_count: int | None = None
