{{ config(materialized='table', unlogged=true, pre_hook="{{ with_rows_looked_up() }}", post_hook="analyze {{ this }}") }}
select
    rows.case_id,
    orders.order_id,
    orders.order_state,
    orders.is_acknowledged,
    orders.vendor,
    orders.buyer,
    orders.created_by,
    orders.company_id,
    currencies.currency,
    company_currencies.currency as company_currency,
    orders.amount_untaxed,
    orders.amount_total,
    orders.amount_total_company_currency,
    orders.ordered_at,
    orders.approved_at,
    orders.planned_at,
    orders.received_at,
    orders.created_at
from {{ ref('int_purchase_to_pay__rows') }} as rows
inner join {{ ref('stg_odoo__purchase_orders') }} as orders on rows.source_id = orders.order_id
left join {{ ref('stg_odoo__currencies') }} as currencies on orders.currency_id = currencies.currency_id
left join {{ ref('stg_odoo__companies') }} as companies on orders.company_id = companies.company_id
left join {{ ref('stg_odoo__currencies') }} as company_currencies on companies.currency_id = company_currencies.currency_id
where rows.source_table = 'purchase_order' and rows.is_current
