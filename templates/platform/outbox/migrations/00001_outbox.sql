-- +goose Up
-- A row is a message not known to be in the broker. The relay deletes it once the broker has acknowledged it: there is
-- no offset to keep, so a transaction that took a low id and committed late cannot be skipped.
CREATE TABLE outbox (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id    text        NOT NULL,
    source      text        NOT NULL,
    type        text        NOT NULL,
    subject     text        NOT NULL DEFAULT '',
    topic       text        NOT NULL,
    key         text        NOT NULL DEFAULT '',
    occurred_at timestamptz NOT NULL,
    headers     text        NOT NULL DEFAULT '', -- extension attributes, a line "name=value" each
    payload     bytea       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts    integer     NOT NULL DEFAULT 0,
    next_at     timestamptz,
    last_error  text        NOT NULL DEFAULT '',
    parked      boolean     NOT NULL DEFAULT false
) WITH (
    -- Rows live for milliseconds: vacuum by count, not by share of a table that is empty most of the time.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_vacuum_cost_delay = 0
);

-- Parked keys are looked up in every sweep and are few.
CREATE INDEX outbox_parked ON outbox (topic, key, id) WHERE parked;

-- +goose Down
DROP TABLE outbox;
