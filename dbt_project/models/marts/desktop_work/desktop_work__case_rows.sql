select rows.source_table, rows.source_key, rows.case_id
from {{ ref('int_desktop_work__rows') }} as rows
inner join {{ ref('int_desktop_work__touched_cases') }} as touched on rows.case_id = touched.case_id
