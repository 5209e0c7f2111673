-- Dead properties of what is no calendar; those of calendars stand in their rows.

-- subject: of an object its id, of anything else its owner's. size: bytes of props.
CREATE TABLE properties (
    kind    TEXT NOT NULL,
    subject BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    size    BIGINT NOT NULL,
    props   TEXT NOT NULL,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX properties_user ON properties (user_id, size);
