{# Within each partition the column takes the values 1, 2, … without gap. #}
{% test consecutive_from_one(model, partition_by, column) %}
select {{ partition_by }}
from {{ model }}
group by {{ partition_by }}
having min({{ column }}) <> 1 or max({{ column }}) <> count(*) or count(distinct {{ column }}) <> count(*)
{% endtest %}
