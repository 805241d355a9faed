select
    source.invoice_id || ':' || source.payment_id as source_key,
    source.invoice_id as move_id,
    source.payment_id
from {{ source('raw_odoo', 'account_move__account_payment') }} as source
where not source._is_deleted
