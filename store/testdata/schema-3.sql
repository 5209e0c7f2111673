-- Local people have what they are invited to; answers come in; rooms are principals.

ALTER TABLE users ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN default_calendar BIGINT NOT NULL DEFAULT 0;

-- The messages of an inbox are objects of user 0: they are nobody's events.
ALTER TABLE calendars ADD COLUMN inbox BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE events ADD COLUMN delivered BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE deliveries ADD COLUMN token TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN forced BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE deliveries ADD COLUMN reported TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX deliveries_token ON deliveries (token) WHERE token <> '';

CREATE TABLE answers (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id      BIGINT NOT NULL REFERENCES events (id),
    address       TEXT NOT NULL,
    recurrence_id TEXT NOT NULL,
    partstat      TEXT NOT NULL,
    sequence      BIGINT NOT NULL,
    stamp         BIGINT NOT NULL,
    source        TEXT NOT NULL,
    comment       TEXT NOT NULL,
    start_at      BIGINT NOT NULL,
    end_at        BIGINT NOT NULL,
    waiting_since BIGINT NOT NULL,
    told          BOOLEAN NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    UNIQUE (event_id, address, recurrence_id)
);

CREATE TABLE incoming (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         BIGINT NOT NULL,
    uid        TEXT NOT NULL,
    address    TEXT NOT NULL,
    message_id TEXT NOT NULL,
    method     TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    detail     TEXT NOT NULL
);
CREATE INDEX incoming_uid ON incoming (uid);
CREATE INDEX incoming_at ON incoming (at);
