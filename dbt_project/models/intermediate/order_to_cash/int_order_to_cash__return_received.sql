{#- The change log first. Where it is silent (imported transfers, a purged log), the transfer's own date. -#}
with
logged as (
    select
        {{ change_event("'Receive Return'") | indent(4) }}
    from {{ ref('int_order_to_cash__changes') }} as changes
    where document_model = 'stock.picking' and field_name = 'state' and new_state = 'done'
        and exists (
            select 1
            from {{ ref('int_order_to_cash__pickings') }} as pickings
            where pickings.case_id = changes.case_id and pickings.picking_id = changes.document_id
                and pickings.direction = 'incoming'
        )
),

unlogged as (
    select
        {{ document_event("'Receive Return'", 'done_at', 'changed_by', 'stock_picking', 'picking_id') | indent(4) }}
    from {{ ref('int_order_to_cash__pickings') }} as pickings
    where direction = 'incoming' and picking_state = 'done' and done_at is not null
        and not exists (
            select 1
            from {{ ref('int_order_to_cash__changes') }} as changes
            where changes.document_model = 'stock.picking' and changes.field_name = 'state'
                and changes.document_id = pickings.picking_id and changes.new_state = 'done'
        )
)

select * from logged
union all
select * from unlogged
