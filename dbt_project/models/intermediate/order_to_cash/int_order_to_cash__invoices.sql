{{ config(materialized='table', unlogged=true, pre_hook="{{ with_rows_looked_up() }}", post_hook="analyze {{ this }}") }}
select
    rows.case_id,
    moves.move_id,
    moves.move_type,
    moves.move_state,
    moves.payment_state,
    moves.amount_total_company_currency_signed,
    moves.invoice_date,
    moves.due_date,
    moves.created_by,
    moves.created_at
from {{ ref('int_order_to_cash__rows') }} as rows
inner join {{ ref('stg_odoo__account_moves') }} as moves on rows.source_id = moves.move_id
where rows.source_table = 'account_move' and rows.is_current and moves.move_type in ('out_invoice', 'out_refund')
