-- +goose Up
CREATE SCHEMA shards;

-- A shard is the schema shard_<number>. It is here once its tables are.
CREATE TABLE shards.shard (
    number int         PRIMARY KEY CHECK (number >= 0),
    since  timestamptz NOT NULL DEFAULT now()
);

-- Where each slot is. The epoch counts its moves.
CREATE TABLE shards.slot (
    slot  int    PRIMARY KEY CHECK (slot BETWEEN 0 AND 1023),
    shard int    NOT NULL REFERENCES shards.shard (number),
    epoch bigint NOT NULL DEFAULT 0
);

-- The fence: it keeps a slot where it is until the transaction ends, gives it to the rows that are inserted from now on, and returns its
-- shard. A move holds the same lock alone. Waiters have their turn in order, so that neither side starves.
-- +goose StatementBegin
CREATE FUNCTION shards.enter(wanted int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    place int;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1936220530, wanted);
    SELECT shard INTO STRICT place FROM shards.slot WHERE slot = wanted; -- a snapshot of its own: what a move has changed meanwhile is seen
    PERFORM set_config('shards.slot', wanted::text, true);
    RETURN place;
END
$$;
-- +goose StatementEnd

-- The default of column shard_slot where a row belongs to a slot.
-- +goose StatementBegin
CREATE FUNCTION shards.here() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('shards.slot', true), '') = '' THEN
        RAISE 'the transaction is in no slot: begin it with the shard key or the id of what it writes';
    END IF;
    RETURN current_setting('shards.slot')::int;
END
$$;
-- +goose StatementEnd

-- The default of column shard_slot where a row may belong to none.
CREATE FUNCTION shards.maybe() RETURNS int LANGUAGE sql AS $$ SELECT nullif(current_setting('shards.slot', true), '')::int $$;

-- The fence of transactions that begin with a row: the timers of sagas. As they hold the row's lock they must not wait for a move, which
-- would wait for them; they fail, and try again.
-- +goose StatementBegin
CREATE FUNCTION shards.enter_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('shards.slot', true), '') <> OLD.shard_slot::text THEN
        IF NOT pg_try_advisory_xact_lock_shared(1936220530, OLD.shard_slot) THEN
            RAISE 'slot % is being moved', OLD.shard_slot USING ERRCODE = 'serialization_failure';
        END IF;
        PERFORM shards.enter(OLD.shard_slot);
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP SCHEMA shards CASCADE;
