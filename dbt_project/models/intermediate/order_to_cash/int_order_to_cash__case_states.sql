{#- Closed: cancelled; or everything ordered is invoiced, and every invoice is settled. Documents' states decide, no clock. -#}
with
cases as (
    select case_id, bool_and(order_state = 'cancel') as is_cancelled
    from {{ ref('int_order_to_cash__orders') }}
    group by case_id
),

invoicing as (
    select rows.case_id, bool_and(lines.invoiced_quantity >= lines.ordered_quantity) as is_fully_invoiced
    from {{ ref('int_order_to_cash__rows') }} as rows
    inner join {{ ref('stg_odoo__sale_order_lines') }} as lines on rows.source_id = lines.order_line_id
    where rows.source_table = 'sale_order_line' and rows.is_current and lines.display_type is null
    group by rows.case_id
),

payment as (
    select
        case_id,
        bool_and(move_state = 'posted' and payment_state in ('paid', 'in_payment', 'reversed')) as is_settled
    from {{ ref('int_order_to_cash__invoices') }}
    where move_state <> 'cancel'
    group by case_id
),

case_states as (
    select
        cases.case_id,
        not (
            coalesce(cases.is_cancelled, false)
            or (coalesce(invoicing.is_fully_invoiced, false) and coalesce(payment.is_settled, false))
        ) as is_open
    from cases
    left join invoicing on cases.case_id = invoicing.case_id
    left join payment on cases.case_id = payment.case_id
)

select case_id, is_open
from case_states
