{#- A session is what was recorded: never open. -#}
select distinct case_id, false as is_open
from {{ ref('int_desktop_work__actions') }}
