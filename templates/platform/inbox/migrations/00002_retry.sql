-- +goose Up
-- An operator asks for a message to be handled again; the service does it and deletes the row.
ALTER TABLE dead_letters
    ADD COLUMN retry_at timestamptz, -- since when it is asked for; NULL: it is not
    ADD COLUMN retry_by text NOT NULL DEFAULT '';
-- Looked up every second and nearly always empty.
CREATE INDEX dead_letters_retry ON dead_letters (consumer_group, id) WHERE retry_at IS NOT NULL;

-- +goose Down
DROP INDEX dead_letters_retry;
ALTER TABLE dead_letters DROP COLUMN retry_by, DROP COLUMN retry_at;
