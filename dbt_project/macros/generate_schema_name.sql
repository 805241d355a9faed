{# Schemas are exactly what is configured (staging, intermediate, candidate, bi), never prefixed by the target's. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
