{{ config(materialized='view') }}
select source_table, source_key, _version
from {{ ref('int_desktop_work__rows') }}
