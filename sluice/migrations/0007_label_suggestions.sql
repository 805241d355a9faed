-- What somebody who knows the process should look at: suggestions for the imperfection patterns that take knowledge.

create table if not exists quality.label_suggestions (
    process text not null,
    pattern text not null,
    rank int not null,
    label_a text not null,
    label_b text,
    score double precision not null,
    evidence text not null,
    primary key (process, pattern, rank)
);

comment on table quality.label_suggestions is
'Ranked suggestions for the imperfection patterns that take knowledge (docs/patterns.md); replaced when the results of a process are gated';
comment on column quality.label_suggestions.process is 'The process';
comment on column quality.label_suggestions.pattern is
'The pattern: synonymous labels, homonymous label, distorted label, elusive case';
comment on column quality.label_suggestions.rank is '1 is the likeliest of its pattern';
comment on column quality.label_suggestions.label_a is 'The label to look at; of an elusive case, the case id';
comment on column quality.label_suggestions.label_b is 'The label that it may stand for; null where there is none';
comment on column quality.label_suggestions.score is 'From 0 to 1; orders the suggestions, and is no probability';
comment on column quality.label_suggestions.evidence is 'Why it is suggested, in words';
