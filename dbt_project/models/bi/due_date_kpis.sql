select
    due_date_kpis.process,
    due_date_kpis.rule,
    due_date_kpis.case_count,
    due_date_kpis.done_count,
    due_date_kpis.late_count,
    due_date_kpis.late_share,
    due_date_kpis.overdue_count,
    due_date_kpis.pending_count,
    due_date_kpis.not_done_count,
    due_date_kpis.total_late_seconds
from {{ source('mining', 'due_date_kpis') }} as due_date_kpis
