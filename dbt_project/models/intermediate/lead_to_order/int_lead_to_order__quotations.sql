{{ config(materialized='table', unlogged=true, pre_hook="{{ with_rows_looked_up() }}", post_hook="analyze {{ this }}") }}
select
    rows.case_id,
    orders.order_id,
    orders.order_number,
    orders.order_state,
    orders.created_by,
    currencies.currency,
    orders.amount_total,
    -- currency_rate: units of the order's currency for one of the company's
    round(orders.amount_total / nullif(orders.currency_rate, 0), 2) as amount_total_company_currency,
    orders.ordered_at,
    orders.created_at
from {{ ref('int_lead_to_order__rows') }} as rows
inner join {{ ref('stg_odoo__sale_orders') }} as orders on rows.source_id = orders.order_id
left join {{ ref('stg_odoo__currencies') }} as currencies on orders.currency_id = currencies.currency_id
where rows.source_table = 'sale_order' and rows.is_current
