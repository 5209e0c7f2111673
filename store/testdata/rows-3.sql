UPDATE users SET kind = 'room', default_calendar = 5 WHERE id = 3;
UPDATE events SET delivered = 1 WHERE id = 9;
UPDATE deliveries SET token = 'answer-token-of-boris', reported = '5.1' WHERE event_id = 9;
INSERT INTO answers (id, event_id, address, recurrence_id, partstat, sequence, stamp, source, comment, start_at, end_at,
    waiting_since, told, created_at, updated_at)
VALUES (2, 9, 'boris@example.org', '20300324T101640Z', 'TENTATIVE', 3, 1900000000000000, 'page', 'Later?', 1900600000000000,
    1900603600000000, 0, 1, 1900000000000000, 1900000001000000);
INSERT INTO incoming (id, at, uid, address, message_id, method, outcome, detail)
VALUES (4, 1900000000000000, 'a', 'boris@example.org', 'm1@example.org', 'REPLY', 'applied', '');
