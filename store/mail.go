package store

import "fmt"

const deliveryColumns = `id, event_id, address, reply, sequence, message_id, status, token, forced, reported, at, sent_view`

func (d *Delivery) fields() []any {
	return []any{&d.ID, &d.EventID, &d.Address, &d.Reply, &d.Sequence, &d.MessageID, &d.Status, &d.Token, &d.Forced, &d.Reported,
		(*instant)(&d.At), &d.View}
}

// Delivery reads what an address was last sent about an event.
func (tx *Tx) Delivery(eventID int64, address string, reply bool) (*Delivery, error) {
	return one(tx, "delivery", (*Delivery).fields, `SELECT `+deliveryColumns+` FROM deliveries
		WHERE event_id = ? AND address = ? AND reply = ?`, eventID, address, reply)
}

// DeliveryByToken finds whose answer page a token names.
func (tx *Tx) DeliveryByToken(token string) (*Delivery, error) {
	if token == "" {
		return nil, ErrNotFound
	}
	return one(tx, "delivery", (*Delivery).fields, `SELECT `+deliveryColumns+` FROM deliveries WHERE token = ?`, token)
}

// Deliveries lists an event's deliveries by id.
func (tx *Tx) Deliveries(eventID int64) ([]Delivery, error) {
	return list(tx, "deliveries", (*Delivery).fields, `SELECT `+deliveryColumns+` FROM deliveries
		WHERE event_id = ? ORDER BY id`, eventID)
}

// PutDelivery inserts a delivery (ID 0; ErrExists for event, address and direction) and sets its
// ID, or replaces the delivery of that ID, all but what it is found by.
func (tx *Tx) PutDelivery(d *Delivery) error {
	if d.ID != 0 {
		return tx.change("update delivery", `UPDATE deliveries SET sequence = ?, message_id = ?, status = ?, token = ?, forced = ?,
			reported = ?, at = ?, sent_view = ? WHERE id = ?`, d.Sequence, d.MessageID, d.Status, d.Token, d.Forced, d.Reported,
			instant(d.At), d.View, d.ID)
	}
	err := tx.insert(&d.ID, `INSERT INTO deliveries
		(event_id, address, reply, sequence, message_id, status, token, forced, reported, at, sent_view)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		d.EventID, d.Address, d.Reply, d.Sequence, d.MessageID, d.Status, d.Token, d.Forced, d.Reported, instant(d.At), d.View)
	if err != nil {
		return fmt.Errorf("insert delivery: %w", err)
	}
	return nil
}

// SettleDelivery sets the status of the delivery that m is the last message of, where it is was. It changes nothing of others.
func (tx *Tx) SettleDelivery(m *Message, was, status string) error {
	_, err := tx.exec(`UPDATE deliveries SET status = ? WHERE event_id = ? AND address = ? AND reply = ? AND message_id = ? AND status = ?`,
		status, m.EventID, m.Address, m.Reply, m.MessageID, was)
	if err != nil {
		return fmt.Errorf("update the status of a delivery: %w", err)
	}
	return nil
}

const messageColumns = `id, event_id, address, reply, method, message_id, sender, state, attempts, last_error,
	created_at, updated_at, size`

func (m *Message) fields() []any {
	return []any{&m.ID, &m.EventID, &m.Address, &m.Reply, &m.Method, &m.MessageID, &m.From, &m.State, &m.Attempts,
		&m.LastError, (*instant)(&m.Created), (*instant)(&m.Updated), &m.Size}
}

func (m *Message) wholeFields() []any { return append(m.fields(), &m.Body) }

// MessageByID reads a message.
func (tx *Tx) MessageByID(id int64) (*Message, error) {
	return one(tx, "message", (*Message).wholeFields, `SELECT `+messageColumns+`, body FROM messages
		LEFT JOIN message_bodies USING (id) WHERE id = ?`, id)
}

// MessageByMessageID finds a message by its Message-ID, given without angle brackets; without Body.
func (tx *Tx) MessageByMessageID(messageID string) (*Message, error) {
	if messageID == "" {
		return nil, ErrNotFound
	}
	return one(tx, "message", (*Message).fields, `SELECT `+messageColumns+` FROM messages WHERE message_id = ?`, messageID)
}

// Messages lists an event's messages, oldest first, without Body (MessageByID reads it).
func (tx *Tx) Messages(eventID int64) ([]Message, error) {
	return list(tx, "messages", (*Message).fields, `SELECT `+messageColumns+` FROM messages
		WHERE event_id = ? ORDER BY id`, eventID)
}

// CurrentMessages lists as Messages does, without those that later ones have taken the place of: what is under way, the
// last message of each delivery, and notices (NOTE, WAITING, PLACE), of which no delivery tells.
func (tx *Tx) CurrentMessages(eventID int64) ([]Message, error) {
	return list(tx, "messages", (*Message).fields, `SELECT `+messageColumns+` FROM messages
		WHERE event_id = ? AND (state IN (?, ?) OR method IN ('NOTE', 'WAITING', 'PLACE')
			OR message_id IN (SELECT message_id FROM deliveries WHERE event_id = ?)) ORDER BY id`,
		eventID, MessageStored, MessageTrying, eventID)
}

// PutMessage inserts a message (ID 0; ErrExists for its MessageID) and sets its ID, Created and Size,
// or writes what changes of the message of that ID: State, Attempts and LastError. It sets Updated.
// A message is composed once: its bytes and whom they go to never change.
func (tx *Tx) PutMessage(m *Message) error {
	m.Updated = tx.at
	if m.ID != 0 {
		return tx.change("update message", `UPDATE messages SET state = ?, attempts = ?, last_error = ?, updated_at = ?
			WHERE id = ?`, m.State, m.Attempts, m.LastError, instant(m.Updated), m.ID)
	}
	m.Created, m.Size = tx.at, len(m.Body)
	err := tx.insert(&m.ID, `INSERT INTO messages
		(event_id, address, reply, method, message_id, sender, state, attempts, last_error, created_at, updated_at, size)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		m.EventID, m.Address, m.Reply, m.Method, m.MessageID, m.From, m.State, m.Attempts, m.LastError,
		instant(m.Created), instant(m.Updated), m.Size)
	if err == nil && m.Size > 0 {
		_, err = tx.exec(`INSERT INTO message_bodies (id, body) VALUES (?, ?)`, m.ID, m.Body)
	}
	if err != nil {
		return fmt.Errorf("insert message: %w", err)
	}
	return nil
}

// CountMessages counts all messages by state.
func (tx *Tx) CountMessages() (map[MessageState]int, error) {
	return counts[MessageState](tx, "messages", `SELECT state, count(*) FROM messages GROUP BY state`)
}
