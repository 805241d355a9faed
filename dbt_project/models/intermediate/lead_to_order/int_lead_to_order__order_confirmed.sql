{#- The change log first. Where it is silent (imported orders, a purged log), the order's own date. -#}
with
logged as (
    select
        {{ change_event("'Confirm Order'") | indent(4) }}
    from {{ ref('int_lead_to_order__changes') }} as changes
    where document_model = 'sale.order' and field_name = 'state' and new_state = 'sale'
),

unlogged as (
    select
        {{ document_event("'Confirm Order'", 'ordered_at', 'null::text', 'sale_order', 'order_id') | indent(4) }}
    from {{ ref('int_lead_to_order__quotations') }} as orders
    where order_state in ('sale', 'done') and ordered_at is not null
        and not exists (
            select 1
            from {{ ref('int_lead_to_order__changes') }} as changes
            where changes.document_model = 'sale.order' and changes.field_name = 'state'
                and changes.document_id = orders.order_id and changes.new_state in ('sale', 'done')
        )
)

select * from logged
union all
select * from unlogged
