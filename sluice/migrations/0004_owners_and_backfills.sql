-- Steps know their owner, so that one whose process is gone can be told from one that works; and backfills are recorded.

alter table ops.steps add column owner text;
comment on column ops.steps.owner is
'<host>:<pid> of the process; it holds the advisory lock hashtextextended(step_lock) as long as it lives';

alter table ops.runs drop constraint runs_state_check;
alter table ops.runs add constraint runs_state_check
check (state in ('running', 'published', 'landed', 'blocked', 'failed', 'interrupted'));

alter table ops.steps drop constraint steps_state_check;
alter table ops.steps add constraint steps_state_check
check (state in ('running', 'done', 'blocked', 'failed', 'interrupted'));

create index runs_running on ops.runs (run_id) where state = 'running';
create index steps_running on ops.steps (run_id) where state = 'running';

create table ops.backfills (
    backfill_id bigint generated always as identity primary key,
    system text not null,
    first_day date not null,
    last_day date not null,
    reason text not null,
    asked_by text not null,
    owner text not null,
    state text not null check (state in ('running', 'done', 'failed', 'interrupted', 'abandoned')),
    days_count int not null,
    days_done int not null default 0,
    message text,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    seconds double precision not null default 0,
    check (last_day >= first_day)
);
comment on table ops.backfills is 'One row per backfill that was asked for: which days, why, who, how far it came.';
comment on column ops.backfills.system is 'The source systems that are read again, joined by a comma and a space.';
comment on column ops.backfills.last_day is 'The last day that is read again, included.';
comment on column ops.backfills.asked_by is 'The account that gave the command, as <user>@<host>, or what --by said.';
comment on column ops.backfills.owner is '<host>:<pid> of the command that works on it, or last did.';
comment on column ops.backfills.seconds is 'Time spent on it, interruptions aside.';

-- What a backfill is made of: one window of source time, read by one run of each system.
create table ops.backfill_windows (
    backfill_id bigint not null references ops.backfills (backfill_id) on delete cascade,
    first_day date not null,
    last_day date not null,
    state text not null check (state in ('waiting', 'running', 'done', 'failed')),
    run_ids text [] not null default '{}',
    changed_count bigint,
    touched_count bigint,
    started_at timestamptz,
    finished_at timestamptz,
    seconds double precision,
    message text,
    primary key (backfill_id, first_day)
);
comment on table ops.backfill_windows is
'The windows of a backfill. One that is done is not read again when the backfill is resumed.';
comment on column ops.backfill_windows.run_ids is 'The runs in ops.runs that read it.';
comment on column ops.backfill_windows.changed_count is 'Raw rows that were inserted, changed or deleted by it.';
comment on column ops.backfill_windows.touched_count is 'Cases that were gated again because of it.';
