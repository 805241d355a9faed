{# Keys computed from content, never from a sequence: a rebuild gives the same bytes. sluice/keys.py has the same. #}

{# The first `bytes` bytes of the SHA-256 of the parts, joined by the unit separator U+001F. #}
{% macro content_hash(parts, bytes) -%}
substr(sha256(convert_to({{ parts | join(" || e'\\x1f' || ") }}, 'UTF8')), 1, {{ bytes }})
{%- endmacro %}

{# Hash of process, case, system, table, key, activity and ordinal; not of time. All arguments are SQL expressions. #}
{% macro event_id(process, case_id, source_system, source_table, source_key, activity, ordinal) -%}
encode({{ content_hash([process, case_id, source_system, source_table, source_key, activity, "(" ~ ordinal ~ ")::text"], 16) }}, 'hex')::uuid
{%- endmacro %}

{# First 8 bytes, big endian, as a signed bigint. #}
{% macro case_key(process, case_id) -%}
('x' || encode({{ content_hash([process, case_id], 8) }}, 'hex'))::bit(64)::bigint
{%- endmacro %}

{# First 31 bits as a non-negative int. #}
{% macro activity_key(activity) -%}
('x' || encode({{ content_hash([activity], 4) }}, 'hex'))::bit(32)::bit(31)::int
{%- endmacro %}

{# An aggregate: the first 16 hex digits of the hash of the activities in event_seq order. #}
{% macro variant_id(activity, event_seq) -%}
encode(substr(sha256(convert_to(string_agg({{ activity }}, e'\x1f' order by {{ event_seq }}), 'UTF8')), 1, 8), 'hex')
{%- endmacro %}
