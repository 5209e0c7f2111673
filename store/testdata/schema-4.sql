-- Who stores an event without being invited to it, as a member of a list does, keeps it. The organiser decides about
-- the times that attendees propose.

ALTER TABLE events ADD COLUMN uninvited BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE answers ADD COLUMN token TEXT NOT NULL DEFAULT '';
ALTER TABLE answers ADD COLUMN refusal TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX answers_token ON answers (token) WHERE token <> '';
