-- +goose Up
-- A message that was not believed is known by its place in the topic: its id may be that of a genuine one.
ALTER TABLE dead_letters
    ADD COLUMN quarantined text NOT NULL DEFAULT '', -- why; empty: the message was believed, and failed in a handler
    ADD COLUMN appended_at timestamptz;              -- when the broker took it
-- A redelivery is not kept twice.
CREATE UNIQUE INDEX dead_letters_quarantined ON dead_letters (consumer_group, md5(topic), partition, "offset") WHERE quarantined <> '';

-- +goose Down
DROP INDEX dead_letters_quarantined;
ALTER TABLE dead_letters DROP COLUMN appended_at, DROP COLUMN quarantined;
