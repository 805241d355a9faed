{#- Closed: won or lost. -#}
select case_id, not bool_or(is_won or is_lost) as is_open
from {{ ref('int_lead_to_order__leads') }}
group by case_id
