UPDATE events SET uninvited = 1 WHERE id = 9;
INSERT INTO answers (id, event_id, address, recurrence_id, partstat, sequence, stamp, source, comment, start_at, end_at,
    waiting_since, told, created_at, updated_at, token, refusal)
VALUES (3, 9, 'vera@example.org', '', 'TENTATIVE', 2, 1900000000000000, 'mail', 'Earlier?', 1899990000000000,
    1899993600000000, 0, 1, 1900000000000000, 1900000001000000, 'decision-of-anna', 'owed');
