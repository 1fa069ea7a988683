-- +goose Up
CREATE TABLE eventstore (
    aggregate   text        NOT NULL,
    stream      text        NOT NULL, -- the aggregate's key
    version     bigint      NOT NULL CHECK (version > 0),
    type        text        NOT NULL,
    schema      int         NOT NULL,
    tombstone   boolean     NOT NULL, -- the aggregate is gone with this event
    changed     int[]       NOT NULL, -- the numbers of the fields that data holds or clears
    data        bytea       NOT NULL,
    event_id    text        NOT NULL, -- the id under which it was published
    metadata    jsonb       NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (aggregate, stream, version)
);

-- +goose StatementBegin
CREATE FUNCTION eventstore_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed nor deleted: % on table eventstore is refused', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
-- +goose StatementEnd

-- Also where no row is touched, and for TRUNCATE, for which there are no triggers by row.
CREATE TRIGGER eventstore_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON eventstore FOR EACH STATEMENT EXECUTE FUNCTION eventstore_is_final();

-- What a stream came to, so that it need not be read from its start. It can be deleted at any time.
CREATE TABLE eventstore_snapshots (
    aggregate  text        NOT NULL,
    stream     text        NOT NULL,
    version    bigint      NOT NULL,
    schema     int         NOT NULL,
    data       bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (aggregate, stream)
);

-- +goose Down
DROP TABLE eventstore_snapshots;
DROP TABLE eventstore;
DROP FUNCTION eventstore_is_final;
