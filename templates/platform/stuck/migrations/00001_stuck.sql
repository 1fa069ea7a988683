-- +goose Up
-- What operators did to stuck work, written with the change itself. It has no payload.
CREATE TABLE stuck_log (
    id     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL DEFAULT now(),
    who    text        NOT NULL,
    action text        NOT NULL,
    item   text        NOT NULL, -- its id, as the command takes it
    what   text        NOT NULL, -- the message's type or the saga's name
    key    text        NOT NULL,
    reason text        NOT NULL
);

-- +goose Down
DROP TABLE stuck_log;
