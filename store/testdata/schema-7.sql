-- Lists of members, and of what changed, are read from an index alone. Members that take place in a
-- range are found by how long they take at most: see reachOf.

DROP INDEX objects_seq;
CREATE INDEX objects_seq ON objects (calendar_id, seq, name, component, etag);

-- What time an event takes, where that is known without reading it; see Object.Takes. Rows from before
-- are read until they are saved again.
ALTER TABLE objects ADD COLUMN takes TEXT NOT NULL DEFAULT '';

DROP INDEX objects_range;
CREATE INDEX objects_range ON objects (calendar_id, component, (CASE
    WHEN start_at = 0 OR end_at = 0 THEN 0
    WHEN end_at - start_at <= 86400000000 THEN 1
    WHEN end_at - start_at <= 691200000000 THEN 2
    WHEN end_at - start_at <= 2764800000000 THEN 3
    WHEN end_at - start_at <= 11059200000000 THEN 4
    WHEN end_at - start_at <= 44236800000000 THEN 5
    ELSE 0 END), start_at, end_at, takes);
