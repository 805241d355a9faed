"""Which rows of raw_agent are older than a moment: what a declared retention takes out.

A recording goes as a whole, once its last row is older; of a cumulative export (ActivityWatch) each row goes by itself.
"""

_RECORDING = """file_id in (select of_file.file_id from raw_agent.{table} as of_file group by of_file.file_id
                having max(coalesce(of_file.ended_at, of_file.occurred_at)) < %(cutoff)s)"""

# table of raw_agent -> the condition of a row that is older than %(cutoff)s
AGED = {
    "rpa_logger": _RECORDING.format(table="rpa_logger"),
    "smartrpa": _RECORDING.format(table="smartrpa"),
    "activitywatch": "coalesce(ended_at, occurred_at) < %(cutoff)s",
}
