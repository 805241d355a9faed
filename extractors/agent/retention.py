"""Which rows of raw_agent are older than a moment: what a declared retention takes out.

A session of a recording goes as a whole, once its last row is older (a recording may span months); of a cumulative export
(ActivityWatch) each row goes by itself.
"""

OLD = "coalesce(ended_at, occurred_at) < %(cutoff)s"
# the sessions of int_desktop_work__recorded_rows: rows of one recording and person without a pause over 30 minutes
_SESSION = """(file_id, source_seq) in (
    select ended.file_id, ended.source_seq
    from (
        select numbered.file_id, numbered.source_seq,
               max(numbered.at) over (partition by numbered.file_id, numbered.person, numbered.session_number) as last_at
        from (
            select paused.*, count(*) filter (where paused.is_start) over in_recording as session_number
            from (
                select rows.file_id, rows.source_seq, rows.person, coalesce(rows.ended_at, rows.occurred_at) as at,
                       coalesce(abs(extract(epoch from rows.occurred_at - lag(rows.occurred_at) over (
                           partition by rows.file_id, rows.person order by rows.source_seq))) > 1800, true) as is_start
                from raw_agent.{table} as rows where not rows._is_deleted
            ) as paused
            window in_recording as (partition by paused.file_id, paused.person order by paused.source_seq)
        ) as numbered
    ) as ended
    where ended.last_at < %(cutoff)s)"""

# table of raw_agent -> the condition of a row that is to go; each such row is OLD
AGED = {
    "rpa_logger": _SESSION.format(table="rpa_logger"),
    "smartrpa": _SESSION.format(table="smartrpa"),
    "activitywatch": OLD,
}
