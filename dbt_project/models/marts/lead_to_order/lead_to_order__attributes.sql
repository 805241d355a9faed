with
quotations as (
    select
        case_id,
        count(*)::int as quotation_count,
        count(*) filter (where order_state in ('sale', 'done'))::int as order_count,
        sum(amount_total_company_currency) filter (where order_state in ('sale', 'done')) as ordered_amount_company_currency,
        -- amounts of orders in several currencies have no sum in one
        case when count(distinct currency) = 1 then min(currency) end as currency,
        case when count(distinct currency) = 1
            then sum(amount_total) filter (where order_state in ('sale', 'done')) end as ordered_amount,
        min(order_number collate "C") as first_order_number
    from {{ ref('int_lead_to_order__quotations') }}
    group by case_id
),

attributes as (
    select
        leads.case_id,
        {{ case_key("'" ~ var('process') ~ "'", 'leads.case_id') }} as case_key,
        leads.company_id,
        leads.team_id,
        leads.partner,
        leads.lead_type,
        leads.stage,
        leads.is_won,
        leads.is_lost,
        leads.lost_reason,
        leads.priority,
        leads.probability_percent / 100 as probability_share,
        leads.company_currency,
        leads.expected_revenue as expected_revenue_company_currency,
        coalesce(quotations.quotation_count, 0) as quotation_count,
        coalesce(quotations.order_count, 0) as order_count,
        quotations.first_order_number,
        quotations.currency,
        quotations.ordered_amount,
        coalesce(quotations.ordered_amount_company_currency, 0) as ordered_amount_company_currency,
        leads.created_at,
        leads.assigned_at,
        leads.converted_at,
        leads.closed_at,
        leads.expected_closing_date
    from {{ ref('int_lead_to_order__leads') }} as leads
    left join quotations on leads.case_id = quotations.case_id
)

select
    case_id, case_key, company_id, team_id, partner, lead_type, stage, is_won, is_lost, lost_reason, priority,
    probability_share, company_currency, expected_revenue_company_currency, quotation_count, order_count,
    first_order_number, currency, ordered_amount, ordered_amount_company_currency, created_at, assigned_at, converted_at,
    closed_at, expected_closing_date
from attributes
