-- Odoo 19's own tables, as far as the demo company fills them: names, order and types as Odoo creates them.
-- What the extractor reads, and the personal columns beside it that it must never read. Keys and indexes: indexes.sql.

create table purchase_order (
    id integer not null,
    partner_id integer not null,
    currency_id integer not null,
    user_id integer,
    company_id integer not null,
    create_uid integer,
    write_uid integer,
    access_token character varying,
    name character varying not null,
    origin character varying,
    partner_ref character varying,
    state character varying,
    invoice_status character varying,
    note text,
    amount_untaxed numeric,
    amount_total numeric,
    amount_total_cc numeric,
    currency_rate numeric,
    acknowledged boolean,
    date_order timestamp without time zone not null,
    date_approve timestamp without time zone,
    date_planned timestamp without time zone,
    create_date timestamp without time zone,
    write_date timestamp without time zone,
    receipt_status character varying,
    effective_date timestamp without time zone
);

create table purchase_order_line (
    id integer not null,
    product_id integer,
    order_id integer not null,
    create_uid integer,
    write_uid integer,
    display_type character varying,
    name text not null,
    product_qty numeric not null,
    price_unit numeric not null,
    price_subtotal numeric,
    qty_invoiced numeric,
    qty_received numeric,
    create_date timestamp without time zone,
    write_date timestamp without time zone,
    product_description_variants character varying,
    sale_line_id integer
);

create table sale_order (
    id integer not null,
    company_id integer not null,
    partner_id integer not null,
    currency_id integer,
    user_id integer,
    team_id integer,
    create_uid integer,
    write_uid integer,
    access_token character varying,
    name character varying not null,
    state character varying,
    client_order_ref character varying,
    origin character varying,
    reference character varying,
    signed_by character varying,
    invoice_status character varying,
    validity_date date,
    note text,
    currency_rate numeric,
    amount_untaxed numeric,
    amount_total numeric,
    create_date timestamp without time zone,
    commitment_date timestamp without time zone,
    date_order timestamp without time zone not null,
    write_date timestamp without time zone,
    opportunity_id integer,
    delivery_status character varying,
    effective_date timestamp without time zone
);

create table sale_order_line (
    id integer not null,
    order_id integer not null,
    product_id integer,
    create_uid integer,
    write_uid integer,
    display_type character varying,
    name text not null,
    product_uom_qty numeric not null,
    price_unit numeric not null,
    discount numeric,
    price_subtotal numeric,
    qty_delivered numeric,
    qty_invoiced numeric,
    create_date timestamp without time zone,
    write_date timestamp without time zone
);

create table stock_picking_type (
    id integer not null,
    company_id integer not null,
    sequence_code character varying not null,
    code character varying not null,
    name jsonb not null,
    create_date timestamp without time zone,
    write_date timestamp without time zone
);

create table stock_picking (
    id integer not null,
    backorder_id integer,
    return_id integer,
    picking_type_id integer not null,
    partner_id integer,
    company_id integer,
    user_id integer,
    create_uid integer,
    write_uid integer,
    name character varying,
    origin character varying,
    state character varying,
    note text,
    scheduled_date timestamp without time zone,
    date_deadline timestamp without time zone,
    date_done timestamp without time zone,
    create_date timestamp without time zone,
    write_date timestamp without time zone,
    sale_id integer
);

create table stock_move (
    id integer not null,
    company_id integer not null,
    product_id integer not null,
    picking_id integer,
    origin_returned_move_id integer,
    create_uid integer,
    write_uid integer,
    state character varying,
    inventory_name character varying,
    description_picking_manual text,
    product_uom_qty numeric not null,
    quantity numeric,
    date timestamp without time zone not null,
    create_date timestamp without time zone,
    write_date timestamp without time zone,
    purchase_line_id integer,
    sale_line_id integer
);

create table account_move (
    id integer not null,
    company_id integer,
    origin_payment_id integer,
    partner_id integer,
    currency_id integer not null,
    reversed_entry_id integer,
    invoice_user_id integer,
    create_uid integer,
    write_uid integer,
    access_token character varying,
    name character varying,
    ref character varying,
    state character varying not null,
    move_type character varying not null,
    payment_reference character varying,
    payment_state character varying,
    invoice_source_email character varying,
    invoice_partner_display_name character varying,
    invoice_origin character varying,
    date date not null,
    invoice_date date,
    invoice_date_due date,
    narration text,
    invoice_currency_rate numeric,
    amount_untaxed numeric,
    amount_total numeric,
    amount_residual numeric,
    amount_untaxed_signed numeric,
    amount_total_signed numeric,
    create_date timestamp without time zone,
    write_date timestamp without time zone
);

create table account_move_line (
    id integer not null,
    move_id integer not null,
    company_id integer,
    currency_id integer not null,
    product_id integer,
    create_uid integer,
    write_uid integer,
    ref character varying,
    name character varying,
    display_type character varying not null,
    quantity numeric,
    price_unit numeric,
    price_subtotal numeric,
    create_date timestamp without time zone,
    write_date timestamp without time zone,
    purchase_line_id integer
);

create table account_payment (
    id integer not null,
    move_id integer,
    company_id integer not null,
    currency_id integer,
    partner_id integer,
    create_uid integer,
    write_uid integer,
    name character varying,
    state character varying not null,
    payment_type character varying not null,
    partner_type character varying not null,
    memo character varying,
    payment_reference character varying,
    date date not null,
    amount numeric,
    amount_company_currency_signed numeric,
    is_reconciled boolean,
    is_matched boolean,
    create_date timestamp without time zone,
    write_date timestamp without time zone
);

create table account_move__account_payment (
    invoice_id integer not null,
    payment_id integer not null
);

create table account_move_purchase_order_rel (
    purchase_order_id integer not null,
    account_move_id integer not null
);

create table purchase_order_stock_picking_rel (
    purchase_order_id integer not null,
    stock_picking_id integer not null
);

create table sale_order_line_invoice_rel (
    invoice_line_id integer not null,
    order_line_id integer not null
);

create table crm_lead (
    id integer not null,
    user_id integer,
    team_id integer,
    company_id integer,
    stage_id integer,
    partner_id integer,
    lost_reason_id integer,
    create_uid integer,
    write_uid integer,
    phone_sanitized character varying,
    email_normalized character varying,
    email_cc character varying,
    name character varying not null,
    referred character varying,
    type character varying not null,
    priority character varying,
    contact_name character varying,
    partner_name character varying,
    function character varying,
    email_from character varying,
    phone character varying,
    website character varying,
    street character varying,
    street2 character varying,
    zip character varying,
    city character varying,
    won_status character varying,
    date_deadline date,
    lead_properties jsonb,
    description text,
    expected_revenue numeric,
    active boolean,
    date_closed timestamp without time zone,
    date_open timestamp without time zone,
    date_last_stage_update timestamp without time zone,
    date_conversion timestamp without time zone,
    create_date timestamp without time zone,
    write_date timestamp without time zone,
    probability double precision
);

create table crm_stage (
    id integer not null,
    sequence integer,
    name jsonb not null,
    is_won boolean,
    fold boolean,
    create_date timestamp without time zone,
    write_date timestamp without time zone
);

create table crm_lost_reason (
    id integer not null,
    name jsonb not null,
    create_date timestamp without time zone,
    write_date timestamp without time zone
);

create table crm_team (
    id integer not null,
    company_id integer,
    name jsonb not null,
    create_date timestamp without time zone,
    write_date timestamp without time zone
);

create table mail_message (
    id integer not null,
    res_id integer,
    subtype_id integer,
    author_id integer,
    create_uid integer,
    write_uid integer,
    subject character varying,
    model character varying,
    message_type character varying not null,
    email_from character varying,
    incoming_email_cc character varying,
    outgoing_email_to character varying,
    message_id character varying,
    reply_to character varying,
    body text,
    incoming_email_to text,
    date timestamp without time zone,
    create_date timestamp without time zone,
    write_date timestamp without time zone
);

create table mail_tracking_value (
    id integer not null,
    field_id integer,
    old_value_integer integer,
    new_value_integer integer,
    currency_id integer,
    mail_message_id integer not null,
    create_uid integer,
    write_uid integer,
    old_value_char character varying,
    new_value_char character varying,
    old_value_text text,
    new_value_text text,
    old_value_datetime timestamp without time zone,
    new_value_datetime timestamp without time zone,
    create_date timestamp without time zone,
    write_date timestamp without time zone,
    old_value_float double precision,
    new_value_float double precision
);

create table mail_message_subtype (
    id integer not null,
    res_model character varying,
    name jsonb not null,
    internal boolean,
    create_date timestamp without time zone,
    write_date timestamp without time zone
);

create table ir_model_fields (
    id integer not null,
    name character varying not null,
    model character varying not null,
    relation character varying,
    ttype character varying not null,
    create_date timestamp without time zone,
    write_date timestamp without time zone
);

create table res_company (
    id integer not null,
    name character varying not null,
    partner_id integer not null,
    currency_id integer not null,
    create_date timestamp without time zone,
    parent_id integer,
    email character varying,
    phone character varying,
    active boolean,
    write_date timestamp without time zone
);

create table res_currency (
    id integer not null,
    name character varying not null,
    symbol character varying not null,
    decimal_places integer,
    active boolean,
    create_date timestamp without time zone,
    write_date timestamp without time zone
);

create table res_currency_rate (
    id integer not null,
    currency_id integer not null,
    company_id integer,
    name date not null,
    rate numeric,
    create_date timestamp without time zone,
    write_date timestamp without time zone
);

create table res_users (
    id integer not null,
    company_id integer not null,
    partner_id integer not null,
    active boolean,
    create_date timestamp without time zone,
    login character varying not null,
    password character varying,
    signature text,
    share boolean,
    write_date timestamp without time zone,
    totp_secret character varying,
    out_of_office_message text
);

create table res_partner (
    id integer not null,
    company_id integer,
    create_date timestamp without time zone,
    name character varying,
    parent_id integer,
    country_id integer,
    commercial_partner_id integer,
    complete_name character varying,
    vat character varying,
    website character varying,
    function character varying,
    street character varying,
    street2 character varying,
    zip character varying,
    city character varying,
    email character varying,
    phone character varying,
    commercial_company_name character varying,
    company_name character varying,
    comment text,
    active boolean,
    is_company boolean,
    write_date timestamp without time zone,
    email_normalized character varying,
    signup_type character varying,
    phone_sanitized character varying
);
