"""The documentation page of each DAG in Airflow's UI: what it does, and what whoever is on call does when it is red."""

_ON_CALL = """
### When a run is red

1. Open the red task's log: its last line says what is wrong and what to do. `sluice status` shows the same line.
2. **blocked: …** means that a check stopped the run on purpose. Nothing half-done was published; readers still see the last
   good state. Repair the source (the line names table and column), then trigger the same partition again.
3. Anything else: lost connections were tried again three times. Clear the red task once the cause is gone; every task may be
   repeated, and a run that died in the middle loses nothing.
4. A night that was missed needs nothing: the next one reads from where the last good one ended.
"""


def extract_doc(system: str) -> str:
    """Documentation of `extract__<system>`."""
    return f"""
## extract__{system}

Reads the source system `{system}` every night at 02:00 UTC and lands it in the schema `raw_{system}`; the partition is the
day that then ended. Emits the asset `raw_{system}`, which starts the processes that read it.

| task | does | when it fails |
|---|---|---|
| copy | checks the source's schema, copies one snapshot into landing tables | source unreachable or changed: **blocked** |
| gate | checks the landing (keys, emptiness) | a failed blocking check: **blocked**, raw tables unchanged |
| land | merges into the raw tables in one transaction | repeat it |
| stage | brings the staging views up to date | repeat it |

**Read a window again:** trigger it by hand with *Window start* and *Window end* (and a partition key, the day), or
`sluice backfill --from 2026-01-01 --to 2026-01-05`. A backfill reads its days again and never moves the watermark.
**A first load** or a long window is one run, not one per day: set *Window start* and *Window end* once.
{_ON_CALL}"""


def mine_doc(process: str, title: str, sources: list[str]) -> str:
    """Documentation of `mine__<process>`."""
    waits = " and ".join(f"`raw_{source}`" for source in sources)
    return f"""
## mine__{process}: {title}

Runs once per partition, when {waits} of that day have landed. Rebuilds only the cases that new rows touch, checks them, mines
the whole log, and publishes event log and mining tables together. Emits the asset `event_log_{process}`.

| task | does | when it fails |
|---|---|---|
| build | dbt: candidate event log of the touched cases | a model is wrong, or the source means something new |
| gate | Great Expectations on the candidates | **blocked**, or single cases are quarantined and the run goes on |
| mine | computes the mining tables | repeat it |
| gate_results | checks the mining tables | **blocked** |
| publish | replaces what readers see, in one transaction | repeat it |

Quarantined cases are in `quality.quarantined_cases` with their reasons; they are looked at again every night and come back
by themselves when the source is repaired.
{_ON_CALL}"""
