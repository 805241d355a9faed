{# A table that every build makes anew: whoever vacuums it does so for nothing, beside the night, and is waited for when it is
   dropped. Its statistics the build takes itself. Views are left alone. #}
{% macro made_anew() -%}
    {%- if model.config.materialized == 'table' -%}alter table {{ this }} set (autovacuum_enabled = false){%- endif -%}
{%- endmacro %}
