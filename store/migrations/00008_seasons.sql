-- Series that have no end are found by the parts of the year that they take place in, too: see
-- Object.Seasons.

-- +goose Up
ALTER TABLE objects ADD COLUMN seasons BIGINT NOT NULL DEFAULT 0;

DROP INDEX objects_range;
CREATE INDEX objects_range ON objects (calendar_id, component, (CASE
    WHEN start_at = 0 OR end_at = 0 THEN 0
    WHEN end_at - start_at <= 86400000000 THEN 1
    WHEN end_at - start_at <= 691200000000 THEN 2
    WHEN end_at - start_at <= 2764800000000 THEN 3
    WHEN end_at - start_at <= 11059200000000 THEN 4
    WHEN end_at - start_at <= 44236800000000 THEN 5
    ELSE 0 END), start_at, end_at, seasons, takes);
