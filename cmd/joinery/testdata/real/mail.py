"""Reads a mail from standard input with Python's email package and icalendar, and prints what it is.

The output is JSON: structure (media types, nested), defects, headers, parts (the leaves) and
calendar (what icalendar read in the text/calendar part).
"""

import email
import email.policy
import json
import sys

import icalendar

mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)


def structure(part):
    if part.is_multipart():
        return [part.get_content_type()] + [structure(p) for p in part.iter_parts()]
    return part.get_content_type()


def people(name):
    return [] if mail[name] is None else [[a.display_name, a.addr_spec] for a in mail[name].addresses]


def header_defects(part):
    return [str(d) for h in part.values() for d in getattr(h, "defects", ())]


parts, defects, calendar = [], [], None
for part in mail.walk():
    defects += [repr(d) for d in part.defects] + header_defects(part)
    if part.is_multipart():
        continue
    content = part.get_content()
    text = content if isinstance(content, str) else content.decode()
    parts.append({
        "type": part.get_content_type(),
        "params": dict(part["Content-Type"].params),
        "disposition": part.get_content_disposition() or "",
        "filename": part.get_filename() or "",
        "text": text,
    })
    if part.get_content_type() == "text/calendar":
        whole = icalendar.Calendar.from_ical(text)
        events = [e for e in whole.walk("VEVENT")]
        calendar = {
            "method": str(whole.get("METHOD", "")),
            "uid": str(events[0].get("UID", "")),
            "organizer": str(events[0].get("ORGANIZER", "")),
            "attendees": [str(a) for a in events[0].get("ATTENDEE", [])] if isinstance(events[0].get("ATTENDEE"), list)
            else [str(events[0].get("ATTENDEE", ""))],
            "location": str(events[0].get("LOCATION", "")),
            "start": events[0].decoded("DTSTART").isoformat(),
            "errors": [str(e) for ev in events for e in getattr(ev, "errors", ())],
        }

json.dump({
    "structure": structure(mail),
    "defects": defects,
    "from": people("From"),
    "sender": people("Sender"),
    "reply_to": people("Reply-To"),
    "to": people("To"),
    "subject": str(mail["Subject"]),
    "message_id": str(mail["Message-ID"]),
    "date": mail["Date"].datetime.isoformat(),
    "parts": parts,
    "calendar": calendar,
}, sys.stdout)
