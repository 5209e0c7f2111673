INSERT INTO attachments (id, user_id, managed_id, token, name, type, size, used, gone, created_at, released_at)
VALUES (1, 3, 'm1', 'token-of-the-agenda', 'agenda.txt', 'text/plain', 6, 1, 0, 1800000000000000, 0),
    (2, 3, 'm2', 'token-of-what-is-unused', 'old.txt', 'text/plain', 3, 1, 0, 1800000000000000, 1890000000000000),
    (3, 3, 'm3', 'token-of-what-is-gone', 'gone.txt', 'text/plain', 5, 1, 1, 1800000000000000, 1880000000000000);
INSERT INTO attachment_chunks (attachment_id, number, data)
VALUES (1, 0, CAST('agenda' AS BLOB)), (2, 0, CAST('old' AS BLOB)), (3, 0, CAST('going' AS BLOB));
INSERT INTO attachment_objects (object_id, attachment_id) VALUES (7, 1);
