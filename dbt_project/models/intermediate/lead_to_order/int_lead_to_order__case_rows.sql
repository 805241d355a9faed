{{ config(materialized='view') }}
{#- One branch per way from a raw table to the lead, so that a few changed rows are found through indexes.
    Deleted rows (tombstones) stay in, with is_current false: they tell which case a row belonged to. -#}
{%- set leads = source('raw_odoo', 'crm_lead') -%}
{%- set to_orders = [
    ('orders', source('raw_odoo', 'sale_order')),
    ('leads', leads, 'leads.id = orders.opportunity_id'),
] -%}
{%- set branches = [
    ('crm_lead', 'leads.id', none, [('leads', leads)]),
    ('sale_order', 'orders.id', none, to_orders),
] -%}
{%- set documents = [('crm.lead', 'leads', [('leads', leads)]), ('sale.order', 'orders', to_orders)] -%}
{{ case_rows_of_odoo(branches, documents, 'leads.id', "'LEAD/' || leads.id") }}
