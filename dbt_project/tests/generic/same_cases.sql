{# Both relations have the same cases. #}
{% test same_cases(model, other) %}
select case_id
from {{ model }} as tested
full join {{ other }} as other using (case_id)
where tested.case_id is null or other.case_id is null
{% endtest %}
