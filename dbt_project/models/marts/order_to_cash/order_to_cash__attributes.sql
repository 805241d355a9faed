{{ config(pre_hook="{{ with_rows_looked_up() }}") }}
with
orders as (
    -- one order per case; where two orders share a number, the first by id, and order_count tells
    select distinct on (case_id)
        case_id, order_id, order_state, customer, company_id, team_id, lead_id, currency, company_currency, amount_untaxed,
        amount_total, amount_total_company_currency, invoice_status, delivery_status, ordered_at, committed_at,
        created_at
    from {{ ref('int_order_to_cash__orders') }}
    order by case_id, order_id
),

order_counts as (
    select case_id, count(*)::int as order_count
    from {{ ref('int_order_to_cash__orders') }}
    group by case_id
),

lines as (
    select
        rows.case_id,
        count(*)::int as line_count,
        sum(lines.ordered_quantity) as ordered_quantity,
        max(lines.discount_percent) / 100 as largest_discount_share
    from {{ ref('int_order_to_cash__rows') }} as rows
    inner join {{ ref('stg_odoo__sale_order_lines') }} as lines on rows.source_id = lines.order_line_id
    where rows.source_table = 'sale_order_line' and rows.is_current and lines.display_type is null
    group by rows.case_id
),

deliveries as (
    select
        case_id,
        count(*) filter (where direction = 'outgoing' and picking_state = 'done')::int as delivery_count,
        max(done_at) filter (where direction = 'outgoing' and picking_state = 'done') as last_delivered_at
    from {{ ref('int_order_to_cash__pickings') }}
    group by case_id
),

invoices as (
    select
        case_id,
        count(*) filter (where move_type = 'out_invoice')::int as invoice_count,
        count(*) filter (where move_type = 'out_refund')::int as credit_note_count,
        sum(amount_total_company_currency_signed) filter (where move_state = 'posted') as invoiced_amount_company_currency,
        max(due_date) filter (where move_state = 'posted') as last_due_date
    from {{ ref('int_order_to_cash__invoices') }}
    group by case_id
),

payments as (
    select case_id, count(*)::int as payment_count
    from {{ ref('int_order_to_cash__payments') }}
    group by case_id
),

unnamed_changes as (
    select case_id, count(*)::int as unnamed_change_count
    from {{ ref('int_order_to_cash__changes') }}
    where field_name = 'state' and new_state is null
    group by case_id
),

attributes as (
    select
        orders.case_id,
        {{ case_key("'" ~ var('process') ~ "'", 'orders.case_id') }} as case_key,
        orders.company_id,
        orders.team_id,
        orders.customer,
        case when orders.lead_id is not null then 'LEAD/' || orders.lead_id end as lead_case_id,
        orders.order_state,
        orders.invoice_status,
        orders.delivery_status,
        orders.currency,
        orders.amount_untaxed,
        orders.amount_total,
        orders.company_currency,
        orders.amount_total_company_currency,
        coalesce(lines.line_count, 0) as line_count,
        lines.ordered_quantity,
        lines.largest_discount_share,
        coalesce(deliveries.delivery_count, 0) as delivery_count,
        coalesce(invoices.invoice_count, 0) as invoice_count,
        coalesce(invoices.credit_note_count, 0) as credit_note_count,
        coalesce(invoices.invoiced_amount_company_currency, 0) as invoiced_amount_company_currency,
        coalesce(payments.payment_count, 0) as payment_count,
        orders.created_at,
        orders.ordered_at,
        orders.committed_at,
        deliveries.last_delivered_at,
        invoices.last_due_date,
        coalesce(unnamed_changes.unnamed_change_count, 0) as unnamed_change_count,
        order_counts.order_count,
        order_counts.order_count > 1 as is_case_ambiguous
    from orders
    inner join order_counts on orders.case_id = order_counts.case_id
    left join lines on orders.case_id = lines.case_id
    left join deliveries on orders.case_id = deliveries.case_id
    left join invoices on orders.case_id = invoices.case_id
    left join payments on orders.case_id = payments.case_id
    left join unnamed_changes on orders.case_id = unnamed_changes.case_id
)

select
    case_id, case_key, company_id, team_id, customer, lead_case_id, order_state, invoice_status, delivery_status, currency,
    amount_untaxed, amount_total, company_currency, amount_total_company_currency, line_count, ordered_quantity,
    largest_discount_share, delivery_count, invoice_count, credit_note_count, invoiced_amount_company_currency,
    payment_count, created_at, ordered_at, committed_at, last_delivered_at, last_due_date, unnamed_change_count,
    order_count, is_case_ambiguous
from attributes
