package mailer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/emersion/go-smtp"

	"joinery/caldav/change"
	"joinery/caldav/ical"
	"joinery/store"
)

// methodReport is the Method of an Incoming that is a delivery status notification.
const methodReport = "DSN"

// A deliveryReport is what a delivery status notification says of one recipient (RFC 3464 §2.3).
type deliveryReport struct {
	addresses  []string // final and original recipient, as ical.Address makes them
	action     string   // lower case
	status     string   // 5.1.1
	diagnostic string   // what the other server said
}

// mostRecipients is how many recipients of a report are read; our mails have one.
const mostRecipients = 100

// deliveryReports reads the recipients of a message/delivery-status.
func deliveryReports(data []byte) []deliveryReport {
	var out []deliveryReport
	r := bufio.NewReader(bytes.NewReader(data))
	for len(out) < mostRecipients {
		if next, err := r.Peek(1); err != nil {
			break
		} else if next[0] == '\r' || next[0] == '\n' {
			r.Discard(1)
			continue
		}
		h, err := readHeader(r, mostReport)
		if err != nil {
			break
		}
		d := deliveryReport{action: strings.ToLower(firstWord(h.get("action"))), status: firstWord(h.get("status"))}
		_, d.diagnostic, _ = strings.Cut(h.get("diagnostic-code"), ";")
		for _, name := range []string{"final-recipient", "original-recipient"} {
			_, address, _ := strings.Cut(h.get(name), ";") // rfc822;, utf-8;, and Exchange's "rfc822;smtp:"
			address = strings.TrimPrefix(strings.TrimSpace(address), "smtp:")
			if address = ical.Address(address); address != "" {
				d.addresses = append(d.addresses, address)
			}
		}
		if d.action != "" && len(d.addresses) > 0 {
			out = append(out, d)
		}
	}
	return out
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	return word
}

// plainReport reads the notification of a server that writes no report: Exim before 4.86 names the recipients
// in X-Failed-Recipients and quotes the mail in the text.
func plainReport(m *mailRead) []deliveryReport {
	var out []deliveryReport
	for _, address := range strings.Split(strings.Join(m.header.all("x-failed-recipients"), ","), ",") {
		if address = ical.Address(address); address != "" && len(out) < mostRecipients {
			out = append(out, deliveryReport{addresses: []string{address}, action: "failed"})
		}
	}
	return out
}

// returnedIDs are the Message-IDs that the mail may be about, the likeliest first.
func returnedIDs(m *mailRead) []string {
	var out []string
	if m.returned != nil {
		if h, err := readHeader(bufio.NewReader(bytes.NewReader(bytes.TrimLeft(m.returned, "\r\n"))), mostReport); err == nil {
			out = append(out, messageIDs(h.get("message-id"))...)
		}
	}
	for _, name := range []string{"in-reply-to", "references"} {
		out = append(out, messageIDs(m.header.get(name))...)
	}
	for line := range strings.Lines(string(m.text)) {
		const name = "message-id:"
		if len(line) > len(name) && strings.EqualFold(line[:len(name)], name) && m.report == nil {
			out = append(out, messageIDs(line)...)
		}
	}
	return out
}

// takeReport records what a mail server says became of a mail of ours. That it names the Message-ID, which
// only its recipient's mail servers know, is what it is believed for. nil: it is about no mail of ours.
func (i *Inbox) takeReport(ctx context.Context, m *mailRead) (*store.Incoming, error) {
	reports := deliveryReports(m.report)
	if m.report == nil {
		reports = plainReport(m)
	}
	ids := returnedIDs(m)
	if len(reports) == 0 || len(ids) == 0 {
		return nil, nil
	}
	var row *store.Incoming
	err := i.opts.Store.Update(ctx, func(tx *store.Tx) error {
		row = nil
		about, err := messageOf(tx, ids)
		if err != nil || about == nil {
			return err
		}
		row = &store.Incoming{Address: about.Address, Method: methodReport}
		event, err := found(tx.EventByID(about.EventID))
		if err != nil {
			return fmt.Errorf("reading the event: %w", err)
		}
		if event != nil {
			row.UID = event.UID
		}
		report := reportFor(reports, about.Address)
		if report == nil {
			row.Outcome, row.Detail = OutcomeMismatch, "it is about "+reports[0].addresses[0]
		} else {
			row.Outcome, row.Detail = report.action, strings.TrimSpace(report.status+" "+report.diagnostic)
		}
		switch row.Outcome {
		case ReportFailed:
			if err := i.undelivered(tx, about, report); err != nil {
				return err
			}
		case ReportDelayed, ReportDelivered, ReportRelayed, ReportExpanded, OutcomeMismatch:
		default:
			row.Outcome, row.Detail = OutcomeUnreadable, "its action is "+strconv.Quote(row.Outcome)
		}
		return i.record(tx, m, row)
	})
	return row, err
}

// messageOf is the mail of ours that one of ids names, nil if there is none.
func messageOf(tx *store.Tx, ids []string) (*store.Message, error) {
	for _, id := range ids {
		m, err := tx.MessageByMessageID(id)
		if err == nil {
			return m, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("looking for the mail: %w", err)
		}
	}
	return nil, nil
}

// reportFor is what reports say of address, a failure before anything else.
func reportFor(reports []deliveryReport, address string) *deliveryReport {
	var out *deliveryReport
	for n := range reports {
		for _, a := range reports[n].addresses {
			if a == address && (out == nil || reports[n].action == ReportFailed) {
				out = &reports[n]
			}
		}
	}
	return out
}

// undelivered records that a mail did not arrive. The look at its event then tells the organiser.
func (i *Inbox) undelivered(tx *store.Tx, m *store.Message, report *deliveryReport) error {
	if m.State == store.MessageSent {
		m.State, m.LastError = store.MessageFailed, cut(printable(report.status+" "+report.diagnostic), 300)
		if err := tx.PutMessage(m); err != nil {
			return fmt.Errorf("storing the mail's outcome: %w", err)
		}
	}
	d, err := found(tx.Delivery(m.EventID, m.Address, m.Reply))
	if err != nil {
		return fmt.Errorf("reading the delivery: %w", err)
	}
	if status := report.scheduleStatus(); d != nil && d.MessageID == m.MessageID && d.Status != status {
		d.Status = status
		if err := tx.PutDelivery(d); err != nil {
			return fmt.Errorf("storing the delivery: %w", err)
		}
	}
	if err := i.opts.Outbox.Touch(tx, change.WorkMail, m.EventID, i.opts.Now().Add(gather)); err != nil {
		return fmt.Errorf("noting the event: %w", err)
	}
	return nil
}

// scheduleStatus is the SCHEDULE-STATUS of a failure (RFC 6638 §3.2.9): 3.7 where there is no such mailbox,
// else 5.1.
func (d *deliveryReport) scheduleStatus() string {
	answer := &smtp.SMTPError{EnhancedCode: enhancedCode(d.status)}
	for _, word := range strings.Fields(strings.NewReplacer("#", " ", "-", " ", "<", " ", ">", " ").Replace(d.diagnostic)) {
		if code, err := strconv.Atoi(word); err == nil && len(word) == 3 && answer.Code == 0 {
			answer.Code = code
		}
		// Exim writes 5.0.0 and leaves the code to what it quotes.
		if code := enhancedCode(word); code[0] == 5 && answer.EnhancedCode[1] <= 0 {
			answer.EnhancedCode = code
		}
	}
	if refusalStatus(answer) == "3.7" {
		return "3.7"
	}
	return "5.1"
}

// enhancedCode reads a status of RFC 3463; zero where s is none.
func enhancedCode(s string) (code smtp.EnhancedCode) {
	parts := strings.Split(s, ".")
	if len(parts) != len(code) {
		return code
	}
	for n, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || v < 0 || v > 999 {
			return smtp.EnhancedCode{}
		}
		code[n] = v
	}
	return code
}
