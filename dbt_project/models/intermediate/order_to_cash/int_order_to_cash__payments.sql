{{ config(materialized='table', unlogged=true, pre_hook="{{ with_rows_looked_up() }}", post_hook="analyze {{ this }}") }}
select
    rows.case_id,
    payments.payment_id,
    payments.payment_state,
    payments.created_by,
    payments.created_at
from {{ ref('int_order_to_cash__rows') }} as rows
inner join {{ ref('stg_odoo__payments') }} as payments on rows.source_id = payments.payment_id
where rows.source_table = 'account_payment' and rows.is_current
