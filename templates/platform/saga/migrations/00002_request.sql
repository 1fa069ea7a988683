-- +goose Up
-- What an operator asks for. The orchestrator does it, as it has the definitions, and deletes the row.
CREATE TABLE saga_request (
    saga_id  uuid        PRIMARY KEY REFERENCES saga (id) ON DELETE CASCADE,
    action   text        NOT NULL CHECK (action IN ('retry', 'skip', 'compensate')),
    reason   text        NOT NULL,
    asked_by text        NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE saga_request;
