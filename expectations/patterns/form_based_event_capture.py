"""Form-based event capture: the fields or steps of one form become events of one time, that of the click on Save.

Signature: groups of events in the log with the same case identifier and the same timestamp value.
"""

from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.patterns.groups import not_accepted
from expectations.patterns.knowledge import Knowledge
from expectations.sql_text import shown


def form_based_event_capture(declared: GateDeclaration, known: Knowledge) -> Check:
    """At least `activities` (3) different activities of one case at one instant, by one person (or none known).

    Suriadi et al. (2017), pattern 1. Times at midnight (UTC) to the microsecond are dates without a time, not a save.
    A group whose activities are all of one declared `accept` group is known and left alone. Decided per case.
    """
    events = f"candidate.{declared.name}__events"
    return Check(
        "form_based_event_capture",
        "warn",
        f"fewer than {known.form_activities} different activities of a case at one instant by one person",
        "take the save as one event in the model, or declare the group under patterns: form_based_event_capture: accept",
        f"""
        with saves as (
            select case_key, occurred_at, resource from {events}
            where occurred_at <> date_trunc('day', occurred_at, 'UTC')
            group by case_key, occurred_at, resource having count(*) >= {known.form_activities})
        select case_id, count(*) || ' events at ' || {shown("occurred_at")} || ': ' ||
            string_agg(distinct activity collate "C", ', ' order by activity collate "C") as reason
        from {events} as e inner join saves using (case_key, occurred_at)
        where e.resource is not distinct from saves.resource
        group by case_id, case_key, occurred_at, e.resource
        having count(distinct activity) >= {known.form_activities}{not_accepted(known.form_accept)}""",
        is_per_case=True,
        checked=f"select count(*) from {events}",
        dimension="precision",
        pattern="form-based event capture",
    )
