INSERT INTO properties (kind, subject, user_id, size, props)
VALUES ('object', 7, 3, 15, '{"{urn:x}note":"kept"}'), ('home', 3, 3, 15, '{"{urn:x}note":"kept"}');
