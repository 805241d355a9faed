{#- Exports are cumulative: of the rows of one bucket and start the longest counts, under the newest rules; then content decides. -#}
select distinct on (source.stream_key, source.occurred_at)
    source.stream_key || '@' || (extract(epoch from source.occurred_at) * 1000000)::bigint as source_key,
    source.stream_key,
    coalesce(source.host_key, source.stream_key) as host_key,
    source.occurred_at,
    source.ended_at,
    source.person,
    source.application,
    source.action,
    source.target_kind,
    source.container_key,
    source.document_ref
from {{ source('raw_agent', 'activitywatch') }} as source
where not source._is_deleted
order by
    source.stream_key, source.occurred_at, source.derivation_version desc, source.ended_at desc, source.application collate "C",
    source.action collate "C", source.container_key collate "C", source.document_ref collate "C", source.person collate "C"
