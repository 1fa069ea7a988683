-- +goose Up
CREATE TABLE idempotency (
    method       text        NOT NULL,
    request_id   text        NOT NULL,
    request_hash bytea       NOT NULL,
    response     bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (method, request_id)
);
CREATE INDEX idempotency_created_at ON idempotency (created_at);

-- +goose Down
DROP TABLE idempotency;
