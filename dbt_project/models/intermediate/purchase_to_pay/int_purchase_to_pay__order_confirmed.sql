{#- The change log first. Where it is silent (imported orders, a purged log), the order's own date of approval. -#}
with
logged as (
    select
        {{ change_event("'Confirm PO'") | indent(4) }}
    from {{ ref('int_purchase_to_pay__changes') }} as changes
    where document_model = 'purchase.order' and field_name = 'state'
        and new_state = 'purchase' and old_state is distinct from 'to approve'
),

unlogged as (
    select
        {{ document_event("'Confirm PO'", 'approved_at', 'null::text', 'purchase_order', 'order_id') | indent(4) }}
    from {{ ref('int_purchase_to_pay__orders') }} as orders
    where order_state in ('purchase', 'done') and approved_at is not null
        and not exists (
            select 1
            from {{ ref('int_purchase_to_pay__changes') }} as changes
            where changes.document_model = 'purchase.order' and changes.field_name = 'state'
                and changes.document_id = orders.order_id and changes.new_state in ('purchase', 'done')
        )
)

select * from logged
union all
select * from unlogged
