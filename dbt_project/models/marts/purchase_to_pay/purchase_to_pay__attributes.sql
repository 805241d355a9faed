{{ config(pre_hook="{{ with_rows_looked_up() }}") }}
with
orders as (
    -- one order per case; where two orders share a number, the first by id, and order_count tells
    select distinct on (case_id)
        case_id, order_id, order_state, is_acknowledged, vendor, company_id, currency, company_currency,
        amount_untaxed, amount_total, amount_total_company_currency, ordered_at, approved_at, planned_at, received_at,
        created_at
    from {{ ref('int_purchase_to_pay__orders') }}
    order by case_id, order_id
),

order_counts as (
    select case_id, count(*)::int as order_count
    from {{ ref('int_purchase_to_pay__orders') }}
    group by case_id
),

lines as (
    select rows.case_id, count(*)::int as line_count, sum(lines.ordered_quantity) as ordered_quantity
    from {{ ref('int_purchase_to_pay__rows') }} as rows
    inner join {{ ref('stg_odoo__purchase_order_lines') }} as lines on rows.source_id = lines.order_line_id
    where rows.source_table = 'purchase_order_line' and rows.is_current and lines.display_type is null
    group by rows.case_id
),

receipts as (
    select
        case_id,
        count(*) filter (where direction = 'incoming' and picking_state = 'done')::int as receipt_count,
        max(done_at) filter (where direction = 'incoming' and picking_state = 'done') as last_received_at
    from {{ ref('int_purchase_to_pay__pickings') }}
    group by case_id
),

bills as (
    select
        case_id,
        count(*) filter (where move_type = 'in_invoice')::int as bill_count,
        count(*) filter (where move_type = 'in_invoice' and move_state = 'cancel')::int as cancelled_bill_count,
        sum(-amount_total_company_currency_signed) filter (where move_state = 'posted') as billed_amount_company_currency,
        max(due_date) filter (where move_state = 'posted') as last_due_date
    from {{ ref('int_purchase_to_pay__bills') }}
    group by case_id
),

payments as (
    select case_id, count(*)::int as payment_count
    from {{ ref('int_purchase_to_pay__payments') }}
    group by case_id
),

unnamed_changes as (
    select case_id, count(*)::int as unnamed_change_count
    from {{ ref('int_purchase_to_pay__changes') }}
    where field_name = 'state' and new_state is null
    group by case_id
),

attributes as (
    select
        orders.case_id,
        {{ case_key("'" ~ var('process') ~ "'", 'orders.case_id') }} as case_key,
        orders.company_id,
        orders.vendor,

        orders.order_state,
        orders.currency,
        orders.amount_untaxed,
        orders.amount_total,
        orders.company_currency,
        orders.amount_total_company_currency,
        coalesce(lines.line_count, 0) as line_count,
        lines.ordered_quantity,
        coalesce(receipts.receipt_count, 0) as receipt_count,
        coalesce(bills.bill_count, 0) as bill_count,
        coalesce(bills.cancelled_bill_count, 0) as cancelled_bill_count,
        coalesce(bills.billed_amount_company_currency, 0) as billed_amount_company_currency,
        coalesce(payments.payment_count, 0) as payment_count,
        coalesce(orders.is_acknowledged, false) as is_acknowledged,
        orders.created_at,
        orders.ordered_at,
        orders.approved_at,
        orders.planned_at,
        receipts.last_received_at,
        bills.last_due_date,
        coalesce(unnamed_changes.unnamed_change_count, 0) as unnamed_change_count,
        order_counts.order_count,
        order_counts.order_count > 1 as is_case_ambiguous
    from orders
    inner join order_counts on orders.case_id = order_counts.case_id
    left join lines on orders.case_id = lines.case_id
    left join receipts on orders.case_id = receipts.case_id
    left join bills on orders.case_id = bills.case_id
    left join payments on orders.case_id = payments.case_id
    left join unnamed_changes on orders.case_id = unnamed_changes.case_id
)

select
    case_id, case_key, company_id, vendor, order_state, currency, amount_untaxed, amount_total, company_currency,
    amount_total_company_currency, line_count, ordered_quantity, receipt_count, bill_count, cancelled_bill_count,
    billed_amount_company_currency, payment_count, is_acknowledged, created_at, ordered_at, approved_at, planned_at,
    last_received_at, last_due_date, unnamed_change_count, order_count, is_case_ambiguous
from attributes
