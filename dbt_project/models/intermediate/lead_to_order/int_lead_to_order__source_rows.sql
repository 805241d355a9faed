{{ config(materialized='view') }}
{{ source_rows_of_odoo([
    ('crm_lead', ['id']),
    ('sale_order', ['id']),
    ('mail_message', ['id']),
    ('mail_tracking_value', ['id']),
]) }}
