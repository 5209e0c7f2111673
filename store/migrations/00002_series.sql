-- Rooms are for single occurrences, join pages have tokens, people have places in rooms.

-- +goose Up
ALTER TABLE bookings ADD COLUMN token TEXT NOT NULL DEFAULT '';
ALTER TABLE bookings ADD COLUMN warning TEXT NOT NULL DEFAULT '';
CREATE INDEX bookings_problem ON bookings (problem) WHERE state = 'wanted' AND problem <> '';

ALTER TABLE rooms ADD COLUMN occurrence TEXT NOT NULL DEFAULT '';
ALTER TABLE rooms ADD COLUMN status TEXT NOT NULL DEFAULT '';
ALTER TABLE rooms ADD COLUMN status_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN ask_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN people TEXT NOT NULL DEFAULT '';
CREATE INDEX rooms_time ON rooms (provider, end_at);

CREATE TABLE tokens (
    token      TEXT NOT NULL PRIMARY KEY,
    booking_id BIGINT NOT NULL REFERENCES bookings (id),
    created_at BIGINT NOT NULL,
    links      TEXT NOT NULL
);
CREATE INDEX tokens_booking ON tokens (booking_id);

CREATE TABLE registrations (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    room_id    BIGINT NOT NULL REFERENCES rooms (id),
    address    TEXT NOT NULL,
    role       TEXT NOT NULL,
    ref        TEXT NOT NULL,
    link       TEXT NOT NULL,
    refused    TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (room_id, address)
);

CREATE TABLE visits (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    room_id   BIGINT NOT NULL REFERENCES rooms (id),
    address   TEXT NOT NULL,
    name      TEXT NOT NULL,
    joined_at BIGINT NOT NULL,
    left_at   BIGINT NOT NULL,
    seconds   BIGINT NOT NULL
);
CREATE INDEX visits_room ON visits (room_id);

CREATE TABLE strays (
    provider TEXT NOT NULL,
    ref      TEXT NOT NULL,
    room_key TEXT NOT NULL,
    seen_at  BIGINT NOT NULL,
    PRIMARY KEY (provider, ref)
);
