-- Instants are microseconds since 1970 UTC, 0 for none. Lists and maps are JSON. Wide columns stand
-- last, so that what does not read them does not touch their pages. Identities that work or keys
-- at a provider may name are never given twice (AUTOINCREMENT).

-- +goose Up
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- login_key and the rows of user_addresses are gone once the user is removed.
CREATE TABLE users (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    login      TEXT NOT NULL,
    login_key  TEXT UNIQUE,
    name       TEXT NOT NULL,
    locale     TEXT NOT NULL,
    zone       TEXT NOT NULL,
    password   TEXT NOT NULL,
    addresses  TEXT NOT NULL,
    removed    BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE user_addresses (
    address TEXT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id)
);
CREATE INDEX user_addresses_user ON user_addresses (user_id);

-- floor: tokens below it have lost tombstones.
CREATE TABLE calendars (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     BIGINT NOT NULL REFERENCES users (id),
    slug        TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    color       TEXT NOT NULL,
    ordering    TEXT NOT NULL,
    transparent BOOLEAN NOT NULL,
    components  TEXT NOT NULL,
    conference  TEXT NOT NULL,
    seq         BIGINT NOT NULL,
    prop_seq    BIGINT NOT NULL,
    floor       BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    props       TEXT NOT NULL,
    timezone    TEXT NOT NULL,
    UNIQUE (user_id, slug)
);

CREATE TABLE objects (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    calendar_id  BIGINT NOT NULL REFERENCES calendars (id),
    user_id      BIGINT NOT NULL,
    name         TEXT NOT NULL,
    uid          TEXT NOT NULL,
    component    TEXT NOT NULL,
    etag         TEXT NOT NULL,
    schedule_tag TEXT NOT NULL,
    own          BOOLEAN NOT NULL,
    start_at     BIGINT NOT NULL,
    end_at       BIGINT NOT NULL,
    recurring    BOOLEAN NOT NULL,
    seq          BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    modified_at  BIGINT NOT NULL,
    data         BLOB NOT NULL,
    UNIQUE (calendar_id, name)
);
CREATE INDEX objects_uid ON objects (user_id, uid);
CREATE INDEX objects_seq ON objects (calendar_id, seq);
CREATE INDEX objects_range ON objects (calendar_id, component, start_at, end_at);

CREATE TABLE tombstones (
    calendar_id BIGINT NOT NULL REFERENCES calendars (id),
    name        TEXT NOT NULL,
    seq         BIGINT NOT NULL,
    removed_at  BIGINT NOT NULL,
    PRIMARY KEY (calendar_id, name)
);
CREATE INDEX tombstones_seq ON tombstones (calendar_id, seq);
CREATE INDEX tombstones_removed ON tombstones (removed_at);

-- Revisions outlive their object.
CREATE TABLE revisions (
    id           INTEGER PRIMARY KEY,
    object_id    BIGINT NOT NULL,
    etag         TEXT NOT NULL,
    schedule_tag TEXT NOT NULL,
    own          BOOLEAN NOT NULL,
    created_at   BIGINT NOT NULL,
    replaced_at  BIGINT NOT NULL,
    data         BLOB NOT NULL
);
CREATE INDEX revisions_object ON revisions (object_id, etag);
CREATE INDEX revisions_replaced ON revisions (replaced_at);

-- Events are never deleted; what hangs on them needs no cascade.
CREATE TABLE events (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    BIGINT NOT NULL REFERENCES users (id),
    uid        TEXT NOT NULL,
    object_id  BIGINT NOT NULL,
    role       TEXT NOT NULL,
    deleted_at BIGINT NOT NULL,
    saved_at   BIGINT NOT NULL,
    imported   BOOLEAN NOT NULL,
    silent     BOOLEAN NOT NULL,
    sequence   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    data       BLOB,
    UNIQUE (user_id, uid)
);
CREATE INDEX events_uid ON events (uid);

CREATE TABLE bookings (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id      BIGINT NOT NULL,
    user_id       BIGINT NOT NULL,
    public_id     TEXT NOT NULL,
    recurrence_id TEXT NOT NULL,
    state         TEXT NOT NULL,
    provider      TEXT NOT NULL,
    kind          TEXT NOT NULL,
    capacity      BIGINT NOT NULL,
    asked_by      TEXT NOT NULL,
    generation    BIGINT NOT NULL,
    link          TEXT NOT NULL,
    block         TEXT NOT NULL,
    in_location   BOOLEAN NOT NULL,
    block_gone    BOOLEAN NOT NULL,
    state_since   BIGINT NOT NULL,
    problem       TEXT NOT NULL,
    problem_since BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX bookings_event ON bookings (event_id);
CREATE UNIQUE INDEX bookings_public_id ON bookings (public_id) WHERE public_id <> '';
CREATE INDEX bookings_waiting ON bookings (id) WHERE state = 'wanted' AND link = '';
CREATE INDEX bookings_user ON bookings (user_id, created_at);

CREATE TABLE rooms (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    booking_id BIGINT NOT NULL REFERENCES bookings (id),
    generation BIGINT NOT NULL,
    provider   TEXT NOT NULL,
    room_key   TEXT NOT NULL,
    state      TEXT NOT NULL,
    refs       TEXT NOT NULL,
    join_url   TEXT NOT NULL,
    dial_in    TEXT NOT NULL,
    passcode   TEXT NOT NULL,
    meeting    TEXT NOT NULL,
    start_at   BIGINT NOT NULL,
    end_at     BIGINT NOT NULL,
    unclear    BOOLEAN NOT NULL,
    attempts   BIGINT NOT NULL,
    last_error TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX rooms_booking ON rooms (booking_id, generation);
CREATE INDEX rooms_link ON rooms (join_url) WHERE join_url <> '';
CREATE UNIQUE INDEX rooms_key ON rooms (room_key) WHERE room_key <> '';
CREATE INDEX rooms_state ON rooms (state);

CREATE TABLE steps (
    id      INTEGER PRIMARY KEY,
    room_id BIGINT NOT NULL REFERENCES rooms (id),
    at      BIGINT NOT NULL,
    what    TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail  TEXT NOT NULL
);
CREATE INDEX steps_room ON steps (room_id);
CREATE INDEX steps_at ON steps (at);

CREATE TABLE deliveries (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id   BIGINT NOT NULL,
    address    TEXT NOT NULL,
    reply      BOOLEAN NOT NULL,
    sequence   BIGINT NOT NULL,
    message_id TEXT NOT NULL,
    status     TEXT NOT NULL,
    at         BIGINT NOT NULL,
    sent_view  BLOB,
    UNIQUE (event_id, address, reply)
);

CREATE TABLE messages (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id   BIGINT NOT NULL,
    address    TEXT NOT NULL,
    reply      BOOLEAN NOT NULL,
    method     TEXT NOT NULL,
    message_id TEXT NOT NULL,
    sender     TEXT NOT NULL,
    state      TEXT NOT NULL,
    attempts   BIGINT NOT NULL,
    last_error TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    body       BLOB
);
CREATE INDEX messages_event ON messages (event_id);
CREATE UNIQUE INDEX messages_message_id ON messages (message_id) WHERE message_id <> '';
CREATE INDEX messages_state ON messages (state);
CREATE INDEX messages_done ON messages (state, updated_at) WHERE body IS NOT NULL;

CREATE TABLE audits (
    id      INTEGER PRIMARY KEY,
    user_id BIGINT NOT NULL,
    uid     TEXT NOT NULL,
    at      BIGINT NOT NULL,
    who     TEXT NOT NULL,
    what    TEXT NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX audits_uid ON audits (user_id, uid);
CREATE INDEX audits_at ON audits (at);

-- again: the earliest due of touches since the row was claimed, 0 for none.
CREATE TABLE work (
    kind     TEXT NOT NULL,
    subject  BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    due      BIGINT NOT NULL,
    again    BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    error    TEXT NOT NULL,
    lease    TEXT NOT NULL,
    until    BIGINT NOT NULL,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX work_due ON work (kind, due);
CREATE INDEX work_leased ON work (kind, until) WHERE lease <> '';
