"""The tables of the organisation behind a process: of persons only what at least k of them stand behind."""

from collections.abc import Sequence

import narwhals as nw

from mining_tasks.handover import Handovers, count_subcontracts, measure_handovers, person_pairs
from mining_tasks.io import Log
from mining_tasks.k_anonymity import publishable
from mining_tasks.results import Results, Suppression
from mining_tasks.roles import Role, discover_roles
from mining_tasks.working_together import (
    count_comparisons,
    discover_working_together,
    measure_working_together,
    persons_of_cases,
)
from mining_tasks.workload import measure_workload
from sluice.keys import variant_id

TABLES = ("handovers", "roles", "working_together", "workload_by_day", "organisation_kpis")
KPIS = (
    "person_count",
    "person_event_count",
    "person_event_share",
    "known_edge_count",
    "handover_count",
    "handover_share",
    "subcontract_count",
    "pair_count",
    "pair_share",
    "mean_partner_count",
    "mean_persons_per_case",
)
FEW = 1_000_000  # pairs of persons, which are always counted


def add_organisation(results: Results, log: Log, *, k: int) -> None:
    """Add the tables of `TABLES` to the results of a log whose cases may be shown one by one; a log in which nobody is known
    has none but its workload."""
    events, native = log.events, nw.from_native(log.events)
    results.tables["workload_by_day"] = measure_workload(events, k=k)
    if native["resource_key"].is_null().all():
        return
    persons = persons_of_cases(events)
    handovers = measure_handovers(person_pairs(events), k=k)
    together = measure_working_together(persons, results.cases, k=k)
    roles = discover_roles(events, names=log.activities)
    rows, members = shown_roles(roles, k=k, backend=native.implementation)
    results.sequences["roles"] = members  # before its table, which another thread may take as soon as it is there
    results.tables.update(handovers=handovers.rows, roles=rows, working_together=together.rows)
    results.suppressions.update(
        handovers=Suppression(len(handovers.rows), handovers.hidden_count),
        roles=Suppression(len(rows), len(roles) - len(rows)),
        working_together=Suppression(len(together.rows), together.hidden_count),
    )
    kpis = measure_organisation(native, persons, handovers, k=k)
    if kpis["person_count"] is not None:
        kpis["mean_persons_per_case"] = together.mean_persons_per_case
    results.tables["organisation_kpis"] = nw.from_dict(
        {name: [value] for name, value in kpis.items()},
        schema={name: nw.Float64() if name.startswith("mean_") or "share" in name else nw.Int64() for name in kpis},
        backend=native.implementation,
    )


def shown_roles(
    roles: Sequence[Role], *, k: int, backend: nw.Implementation
) -> tuple[nw.DataFrame, dict[str, tuple[str, ...]]]:
    """(rows of the roles that may be shown, ranked; role_id -> its activities)."""
    ids = {variant_id(role.activities): role for role in roles}
    total = sum(role.event_count for role in roles)
    behind = [(key, person) for key, role in ids.items() for person in role.work]
    incidence = nw.from_dict(
        {"role_id": [key for key, _ in behind], "resource_key": [person for _, person in behind]},
        schema={"role_id": nw.String(), "resource_key": nw.Int64()},
        backend=backend,
    )
    shown = set(publishable(incidence, by=["role_id"], k=k)["role_id"].to_list())
    kept = sorted((-ids[key].event_count, key) for key in shown)
    found = [(key, ids[key]) for _, key in kept]
    rows = nw.from_dict(
        {
            "role_id": [key for key, _ in found],
            "rank": list(range(1, len(found) + 1)),
            "activity_count": [len(role.activities) for _, role in found],
            "event_count": [role.event_count for _, role in found],
            "event_share": [role.event_count / total for _, role in found],
            "person_count": [len(role.work) for _, role in found],
        },
        schema={
            "role_id": nw.String(),
            "rank": nw.Int64(),
            "activity_count": nw.Int64(),
            "event_count": nw.Int64(),
            "event_share": nw.Float64(),
            "person_count": nw.Int64(),
        },
        backend=backend,
    )
    return rows, {key: role.activities for key, role in found}


def measure_organisation(
    events: nw.DataFrame, persons: nw.DataFrame, handovers: Handovers, *, k: int
) -> dict[str, int | float | None]:
    """The figures of the whole organisation; None where fewer than `k` persons stand behind one, or behind its complement.

    persons: as `persons_of_cases` makes them. Pairs of persons are counted where that costs no more than reading the log:
    None where the squares of the numbers of persons of the cases add up to more than its events.
    """
    known = events.filter(~nw.col("resource_key").is_null())
    kpis: dict[str, int | float | None] = dict.fromkeys(KPIS)
    person_count = known["resource_key"].n_unique()
    if person_count < k:
        return kpis
    kpis |= {
        "person_count": person_count,
        "person_event_count": len(known),
        "person_event_share": len(known) / len(events),
    }
    (pair_count, behind), parts = handovers.totals[None], (handovers.totals[True], handovers.totals[False])
    if behind == 0 or behind >= k:
        kpis["known_edge_count"] = pair_count
        if all(people == 0 or people >= k for _, people in parts):
            kpis["handover_count"] = parts[0][0]
            kpis["handover_share"] = parts[0][0] / pair_count if pair_count else None
    subcontract_count, behind = count_subcontracts(events)
    if behind == 0 or behind >= k:
        kpis["subcontract_count"] = subcontract_count
    if count_comparisons(persons) <= max(len(events), FEW):
        together = discover_working_together(persons)
        partners = len(set(together["resource_key"].to_list()) | set(together["other_resource_key"].to_list()))
        if partners == 0 or partners >= k:
            possible = person_count * (person_count - 1) // 2
            kpis["pair_count"] = len(together)
            kpis["pair_share"] = len(together) / possible if possible else None
            kpis["mean_partner_count"] = 2 * len(together) / person_count
    return kpis
