select
    source.id::text as source_key,
    source.id as message_id,
    source.model as document_model,
    source.res_id as document_id,
    source.message_type,
    source.subtype_id,
    source.date at time zone 'UTC' as sent_at,
    create_pseudonym.pseudonym as created_by,
    author_pseudonym.pseudonym as author
from {{ source('raw_odoo', 'mail_message') }} as source
left join {{ source('raw_odoo', '_pseudonyms') }} as create_pseudonym
    on create_pseudonym.entity = 'user' and create_pseudonym.source_id = source.create_uid
left join {{ source('raw_odoo', '_pseudonyms') }} as author_pseudonym
    on author_pseudonym.entity = 'partner' and author_pseudonym.source_id = source.author_id
where not source._is_deleted
