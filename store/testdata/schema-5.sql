-- Managed attachments: their bytes in chunks, so that none is ever whole in memory. released_at: since
-- when no object refers to one, 0 while one does. used: an object has referred to it. gone: nobody can
-- read it any more, its chunks are being removed.

CREATE TABLE attachments (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     BIGINT NOT NULL REFERENCES users (id),
    managed_id  TEXT NOT NULL UNIQUE,
    token       TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    type        TEXT NOT NULL,
    size        BIGINT NOT NULL,
    used        BOOLEAN NOT NULL,
    gone        BOOLEAN NOT NULL,
    created_at  BIGINT NOT NULL,
    released_at BIGINT NOT NULL
);
CREATE INDEX attachments_user ON attachments (user_id, released_at, size);
CREATE INDEX attachments_released ON attachments (released_at) WHERE released_at <> 0;
CREATE INDEX attachments_gone ON attachments (id) WHERE gone;

CREATE TABLE attachment_chunks (
    attachment_id BIGINT NOT NULL REFERENCES attachments (id),
    number        BIGINT NOT NULL,
    data          BLOB NOT NULL,
    PRIMARY KEY (attachment_id, number)
);

CREATE TABLE attachment_objects (
    object_id     BIGINT NOT NULL,
    attachment_id BIGINT NOT NULL REFERENCES attachments (id),
    PRIMARY KEY (object_id, attachment_id)
);
CREATE INDEX attachment_objects_attachment ON attachment_objects (attachment_id);
