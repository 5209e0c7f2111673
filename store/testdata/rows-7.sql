UPDATE objects SET start_at = 1950000000000000, end_at = 1950003600000000, takes = 'BUSY' WHERE id = 7;
INSERT INTO objects (id, calendar_id, user_id, name, uid, component, etag, schedule_tag, own, start_at, end_at, recurring,
    seq, created_at, modified_at, data, takes)
VALUES (8, 5, 3, 'long.ics', 'uid-long', 'VEVENT', 'e2', 's2', 1, 1949740800000000, 1950003600000000, 1, 4, 1900000000000000,
    1900000000000000, 'BEGIN:VCALENDAR', '');
