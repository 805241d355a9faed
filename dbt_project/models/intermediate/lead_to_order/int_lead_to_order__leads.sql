{{ config(materialized='table', unlogged=true, pre_hook="{{ with_rows_looked_up() }}", post_hook="analyze {{ this }}") }}
select
    rows.case_id,
    leads.lead_id,
    leads.lead_type,
    leads.partner,
    leads.company_id,
    leads.team_id,
    company_currencies.currency as company_currency,
    stages.stage,
    coalesce(stages.is_won, false) as is_won,
    not leads.is_active as is_lost,
    lost_reasons.lost_reason,
    leads.priority,
    leads.probability_percent,
    leads.expected_revenue,
    leads.expected_closing_date,
    leads.created_by,
    leads.created_at,
    leads.assigned_at,
    leads.converted_at,
    leads.closed_at
from {{ ref('int_lead_to_order__rows') }} as rows
inner join {{ ref('stg_odoo__leads') }} as leads on rows.source_id = leads.lead_id
left join {{ ref('stg_odoo__lead_stages') }} as stages on leads.stage_id = stages.stage_id
left join {{ ref('stg_odoo__lost_reasons') }} as lost_reasons on leads.lost_reason_id = lost_reasons.lost_reason_id
left join {{ ref('stg_odoo__companies') }} as companies on leads.company_id = companies.company_id
left join {{ ref('stg_odoo__currencies') }} as company_currencies on companies.currency_id = company_currencies.currency_id
where rows.source_table = 'crm_lead' and rows.is_current
