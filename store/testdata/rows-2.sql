INSERT INTO bookings (id, event_id, user_id, public_id, recurrence_id, state, provider, kind, capacity, asked_by,
    generation, link, block, in_location, block_gone, state_since, problem, problem_since, created_at, updated_at, token,
    warning)
VALUES (12, 9, 3, 'series', '', 'wanted', 'mtslink', 'webinar', 0, '["location"]', 2, 'https://joinery.example/j/token',
    'block', 1, 0, 0, '', 0, 1900000000000000, 1900000000000000, 'token', 'fields');
INSERT INTO tokens (token, booking_id, created_at, links)
VALUES ('old-token', 12, 1900000000000000, '[]'), ('token', 12, 1900000001000000, '[]');
INSERT INTO rooms (id, booking_id, generation, provider, room_key, state, refs, join_url, dial_in, passcode, meeting,
    start_at, end_at, unclear, attempts, last_error, created_at, updated_at, occurrence, status, status_at, ask_at, people)
VALUES (14, 12, 2, 'mtslink', '0123456789abcdef-14', 'history', '{"event":"9","session":"10"}', 'https://events.example/2', '',
    '', '{}', 1900577800000000, 1900581400000000, 0, 0, '', 1900000000000000, 1900000000000000, '20300324T101640Z', 'ended',
    1900581500000000, 1900581400000000, '[]');
INSERT INTO registrations (id, room_id, address, role, ref, link, refused, updated_at)
VALUES (1, 14, 'boris@example.org', 'guest', '60', 'https://events.example/2/personal', '', 1900000000000000);
INSERT INTO visits (id, room_id, address, name, joined_at, left_at, seconds)
VALUES (1, 14, 'boris@example.org', 'Boris', 1900577800000000, 0, 1800);
INSERT INTO strays (provider, ref, room_key, seen_at) VALUES ('mtslink', '77', '0123456789abcdef-9', 1900000000000000);
