select
    source.purchase_order_id || ':' || source.account_move_id as source_key,
    source.purchase_order_id as order_id,
    source.account_move_id as move_id
from {{ source('raw_odoo', 'account_move_purchase_order_rel') }} as source
where not source._is_deleted
