select
    source.id::text as source_key,
    source.id as lead_id,
    source.type as lead_type,
    source.stage_id,
    source.team_id,
    partner_pseudonym.pseudonym as partner,
    source.company_id,
    user_pseudonym.pseudonym as salesperson,
    source.lost_reason_id,
    source.won_status,
    source.active as is_active,
    source.probability as probability_percent,
    source.expected_revenue,
    source.priority,
    source.date_open at time zone 'UTC' as assigned_at,
    source.date_conversion at time zone 'UTC' as converted_at,
    source.date_closed at time zone 'UTC' as closed_at,
    source.date_last_stage_update at time zone 'UTC' as stage_changed_at,
    source.date_deadline as expected_closing_date,
    create_pseudonym.pseudonym as created_by,
    source.create_date at time zone 'UTC' as created_at
from {{ source('raw_odoo', 'crm_lead') }} as source
left join {{ source('raw_odoo', '_pseudonyms') }} as partner_pseudonym
    on partner_pseudonym.entity = 'partner' and partner_pseudonym.source_id = source.partner_id
left join {{ source('raw_odoo', '_pseudonyms') }} as user_pseudonym
    on user_pseudonym.entity = 'user' and user_pseudonym.source_id = source.user_id
left join {{ source('raw_odoo', '_pseudonyms') }} as create_pseudonym
    on create_pseudonym.entity = 'user' and create_pseudonym.source_id = source.create_uid
where not source._is_deleted
