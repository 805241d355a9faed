select
    source.id::text as source_key,
    source.id as tracking_id,
    source.mail_message_id as message_id,
    source.field_id,
    source.old_value_integer,
    source.new_value_integer,
    source.old_value_float,
    source.new_value_float,
    source.old_value_char as old_label,
    source.new_value_char as new_label,
    source.old_value_datetime at time zone 'UTC' as old_value_at,
    source.new_value_datetime at time zone 'UTC' as new_value_at
from {{ source('raw_odoo', 'mail_tracking_value') }} as source
where not source._is_deleted
