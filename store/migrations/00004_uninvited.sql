-- Who stores an event without being invited to it, as a member of a list does, keeps it.

-- +goose Up
ALTER TABLE events ADD COLUMN uninvited BOOLEAN NOT NULL DEFAULT FALSE;
