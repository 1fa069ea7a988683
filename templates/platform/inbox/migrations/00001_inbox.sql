-- +goose Up
CREATE TABLE inbox (
    consumer_group text        NOT NULL,
    message_id     text        NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, message_id)
);
-- For the purge, which deletes by age.
CREATE INDEX inbox_received_at ON inbox (received_at);

CREATE TABLE dead_letters (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer_group text        NOT NULL,
    message_id     text        NOT NULL,
    source         text        NOT NULL,
    type           text        NOT NULL,
    subject        text        NOT NULL,
    event_time     timestamptz,
    topic          text        NOT NULL,
    partition      int         NOT NULL,
    "offset"       bigint      NOT NULL,
    key            text        NOT NULL,
    extensions     jsonb       NOT NULL,
    data           bytea       NOT NULL,
    handler        text        NOT NULL,
    error          text        NOT NULL,
    attempts       int         NOT NULL,
    parked_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dead_letters_type ON dead_letters (consumer_group, type, id);

-- +goose Down
DROP TABLE dead_letters;
DROP TABLE inbox;
