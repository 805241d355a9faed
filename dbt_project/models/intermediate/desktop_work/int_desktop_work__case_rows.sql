{{ config(materialized='view') }}
select source_table, source_key, case_id, _version
from {{ ref('int_desktop_work__rows') }}
where case_id is not null
