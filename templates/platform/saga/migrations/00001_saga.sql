-- +goose Up
CREATE TABLE saga (
    id            uuid        PRIMARY KEY,
    name          text        NOT NULL,
    key           text        NOT NULL,
    definition    int         NOT NULL,            -- version of the definition it runs by
    state         text        NOT NULL CHECK (state IN ('RUNNING', 'COMPENSATING', 'COMPLETED', 'COMPENSATED', 'PARKED')),
    resume_state  text        NOT NULL DEFAULT '', -- PARKED: the state it goes on in when retried
    step          int         NOT NULL,            -- index of the current step, -1: the command after compensation
    attempt       int         NOT NULL,            -- commands sent for the step; never counts down, as it is part of their ids
    tries         int         NOT NULL,            -- attempts since the step was entered or retried, bounded
    data          bytea       NOT NULL,
    reason        text        NOT NULL DEFAULT '', -- why it is compensated
    parked_reason text        NOT NULL DEFAULT '',
    trace         jsonb       NOT NULL,            -- trace context of its start
    deadline      timestamptz NOT NULL,            -- compensated if the pivot has not been sent by then
    next_at       timestamptz,                     -- when the timer looks at it; NULL: at its end
    version       bigint      NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (name, key)
);
CREATE INDEX saga_due ON saga (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX saga_open ON saga (name, state, created_at) WHERE state IN ('RUNNING', 'COMPENSATING', 'PARKED');
CREATE INDEX saga_ended ON saga (updated_at) WHERE state IN ('COMPLETED', 'COMPENSATED');

-- What happened to a saga: every command sent, every reply (also late and duplicate ones), every timeout.
CREATE TABLE saga_step_log (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    saga_id    uuid        NOT NULL REFERENCES saga (id) ON DELETE CASCADE,
    step       text        NOT NULL,
    op         text        NOT NULL,
    attempt    int         NOT NULL,
    event      text        NOT NULL,
    payload    bytea,
    note       text        NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX saga_step_log_saga ON saga_step_log (saga_id, id);

-- The barrier of a participant: what it has answered for a step.
CREATE TABLE saga_participant (
    saga_id    uuid        NOT NULL,
    step       text        NOT NULL,
    op         text        NOT NULL,
    outcome    text        NOT NULL DEFAULT '' CHECK (outcome IN ('', 'done', 'refused', 'barred')),
    reply      bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (saga_id, step, op)
);
CREATE INDEX saga_participant_created_at ON saga_participant (created_at);

-- +goose Down
DROP TABLE saga_participant;
DROP TABLE saga_step_log;
DROP TABLE saga;
