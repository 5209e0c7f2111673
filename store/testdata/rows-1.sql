INSERT INTO meta (name, value) VALUES ('installation', '0123456789abcdef');
INSERT INTO users (id, login, login_key, name, locale, zone, password, addresses, removed, created_at)
VALUES (3, 'Anna', 'anna', 'Anna', 'ru', 'Europe/Moscow', 'x', '["anna@example.org"]', 0, 1900000000000000);
INSERT INTO user_addresses (address, user_id) VALUES ('anna@example.org', 3);
INSERT INTO calendars (id, user_id, slug, name, description, color, ordering, transparent, components, conference, seq,
    prop_seq, floor, created_at, props, timezone)
VALUES (5, 3, 'calendar', 'Calendar', '', '', '', 0, '["VEVENT"]', '', 4, 1, 0, 1900000000000000, '{}', '');
INSERT INTO objects (id, calendar_id, user_id, name, uid, component, etag, schedule_tag, own, start_at, end_at, recurring,
    seq, created_at, modified_at, data)
VALUES (7, 5, 3, 'a.ics', 'uid-a', 'VEVENT', 'e1', 's1', 1, 1900000000000000, 1900003600000000, 0, 3, 1900000000000000,
    1900000000000000, 'BEGIN:VCALENDAR');
INSERT INTO revisions (id, object_id, etag, schedule_tag, own, created_at, replaced_at, data)
VALUES (1, 7, 'e0', 's1', 0, 1900000000000000, 1900000000000000, 'BEGIN:VCALENDAR');
INSERT INTO tombstones (calendar_id, name, seq, removed_at) VALUES (5, 'b.ics', 4, 1900000000000000);
INSERT INTO events (id, user_id, uid, object_id, role, deleted_at, saved_at, imported, silent, sequence, created_at, data)
VALUES (9, 3, 'uid-a', 7, 'organizer', 0, 1900000000000000, 0, 0, 2, 1900000000000000, NULL);
INSERT INTO bookings (id, event_id, user_id, public_id, recurrence_id, state, provider, kind, capacity, asked_by,
    generation, link, block, in_location, block_gone, state_since, problem, problem_since, created_at, updated_at)
VALUES (11, 9, 3, 'pub', '', 'wanted', 'mtslink', 'webinar', 0, '["location"]', 1, 'https://events.example/1', 'block', 1,
    0, 0, '', 0, 1900000000000000, 1900000000000000);
INSERT INTO rooms (id, booking_id, generation, provider, room_key, state, refs, join_url, dial_in, passcode, meeting,
    start_at, end_at, unclear, attempts, last_error, created_at, updated_at)
VALUES (13, 11, 1, 'mtslink', '0123456789abcdef-13', 'live', '{"event":"7","session":"8"}', 'https://events.example/1', '',
    '', '{}', 1900000000000000, 1900003600000000, 0, 0, '', 1900000000000000, 1900000000000000);
INSERT INTO steps (id, room_id, at, what, outcome, detail) VALUES (1, 13, 1900000000000000, 'reserve', 'ok', '');
INSERT INTO deliveries (id, event_id, address, reply, sequence, message_id, status, at, sent_view)
VALUES (1, 9, 'boris@example.org', 0, 2, 'm1@example.org', '1.1', 1900000000000000, 'BEGIN:VCALENDAR');
INSERT INTO messages (id, event_id, address, reply, method, message_id, sender, state, attempts, last_error, created_at,
    updated_at, body)
VALUES (1, 9, 'boris@example.org', 0, 'REQUEST', 'm1@example.org', 'anna@example.org', 'sent', 1, '', 1900000000000000,
    1900000000000000, 'From: anna');
INSERT INTO audits (id, user_id, uid, at, who, what, details) VALUES (1, 3, 'uid-a', 1900000000000000, 'anna', 'put', '');
INSERT INTO work (kind, subject, version, due, again, attempts, error, lease, until)
VALUES ('booking', 9, 4, 1900000000000000, 0, 3, 'refused', 'left behind', 1900000060000000);
