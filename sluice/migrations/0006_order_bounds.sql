-- The order certificate: what the figures of a process could be if tied events stood in another legal order.

create table if not exists mining.order_bounds (
    process text not null,
    trusted_order text not null,
    result text not null,
    kpi text not null,
    activity text not null default '',
    next_activity text not null default '',
    variant_id text not null default '',
    value double precision,
    lowest double precision not null,
    highest double precision not null,
    is_exact boolean not null,
    primary key (process, trusted_order, result, kpi, activity, next_activity, variant_id)
);

comment on table mining.order_bounds is
'One row per published figure that tied events can move: its lowest and highest value over all legal orders.';
comment on column mining.order_bounds.trusted_order is
'What may not be permuted: occurred_at (the times alone), or occurred_at, rank (the declared ranks as well).';
comment on column mining.order_bounds.result is 'The table of schema mining that holds the figure.';
comment on column mining.order_bounds.kpi is 'Its column there.';
comment on column mining.order_bounds.activity is 'The activity, or the source of the arc; empty if there is none.';
comment on column mining.order_bounds.next_activity is 'The target of the arc; empty if there is none.';
comment on column mining.order_bounds.variant_id is 'The variant; empty if there is none.';
comment on column mining.order_bounds.value is 'The figure as it is published, with the declared order.';
comment on column mining.order_bounds.lowest is 'No legal order gives less.';
comment on column mining.order_bounds.highest is 'No legal order gives more.';
comment on column mining.order_bounds.is_exact is
'Whether legal orders reach both; otherwise they are bounds that may be wider than what orders can do.';
