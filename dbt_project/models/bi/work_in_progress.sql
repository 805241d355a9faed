select
    work_in_progress.process,
    work_in_progress.day,
    work_in_progress.arrival_count,
    work_in_progress.completion_count,
    work_in_progress.case_count,
    work_in_progress.mean_in_progress
from {{ source('mining', 'work_in_progress') }} as work_in_progress
