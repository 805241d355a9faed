{{ config(materialized='table', unlogged=true, pre_hook="{{ with_rows_looked_up() }}", post_hook="analyze {{ this }}") }}
select
    rows.case_id,
    orders.order_id,
    orders.order_state,
    orders.customer,
    orders.created_by,
    orders.company_id,
    orders.team_id,
    orders.lead_id,
    currencies.currency,
    company_currencies.currency as company_currency,
    orders.amount_untaxed,
    orders.amount_total,
    -- currency_rate: units of the order's currency for one of the company's
    round(orders.amount_total / nullif(orders.currency_rate, 0), 2) as amount_total_company_currency,
    orders.invoice_status,
    orders.delivery_status,
    orders.ordered_at,
    orders.committed_at,
    orders.delivered_at,
    orders.created_at
from {{ ref('int_order_to_cash__rows') }} as rows
inner join {{ ref('stg_odoo__sale_orders') }} as orders on rows.source_id = orders.order_id
left join {{ ref('stg_odoo__currencies') }} as currencies on orders.currency_id = currencies.currency_id
left join {{ ref('stg_odoo__companies') }} as companies on orders.company_id = companies.company_id
left join {{ ref('stg_odoo__currencies') }} as company_currencies on companies.currency_id = company_currencies.currency_id
where rows.source_table = 'sale_order' and rows.is_current
