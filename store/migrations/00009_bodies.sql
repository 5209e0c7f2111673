-- The bytes of mails stand by themselves, so that what is noted of a mail on its way does not move them.

-- +goose Up
CREATE TABLE message_bodies (
    id   INTEGER PRIMARY KEY REFERENCES messages (id),
    body BLOB NOT NULL
);
INSERT INTO message_bodies SELECT id, body FROM messages WHERE body IS NOT NULL;

-- size: bytes of the body, 0 once it is forgotten.
ALTER TABLE messages ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
UPDATE messages SET size = length(body) WHERE body IS NOT NULL;
DROP INDEX messages_done;
ALTER TABLE messages DROP COLUMN body;
CREATE INDEX messages_done ON messages (updated_at) WHERE size > 0;
