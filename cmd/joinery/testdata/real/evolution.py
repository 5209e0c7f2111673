"""A user's Evolution Data Server, told what to do on standard input.

Arguments: the source's uid and its password. Each line that comes in is JSON, {"do": ..., ...}; each
line that goes out is the answer, {"error": "..."} or what is said below:

create {"text": VEVENT}    the user saves a new event
read   {"uid": UID}        looks at the server, then {"text": VCALENDAR or VEVENT}; empty: not there
list   {}                  {"texts": [...]}
modify {"text": VEVENT}    the user saves the event so
remove {"uid": UID}        the user deletes it
receive {"text": VCALENDAR} the user acts on an iTIP message in the mail program
"""

import json
import sys
import threading
import time

import gi

gi.require_version("EDataServer", "1.2")
gi.require_version("ECal", "2.0")
gi.require_version("ICalGLib", "3.0")
from gi.repository import ECal, EDataServer, GLib, ICalGLib  # noqa: E402

registry = EDataServer.SourceRegistry.new_sync(None)
source = registry.ref_source(sys.argv[1])
password = EDataServer.NamedParameters()
password.set("password", sys.argv[2])
# The password is given to the backend as the password dialog does, for there is no keyring.
source.connect("credentials-required", lambda s, *_: s.invoke_authenticate_sync(password, None))
threading.Thread(target=GLib.MainLoop().run, daemon=True).start()
client = ECal.Client.connect_sync(source, ECal.ClientSourceType.EVENTS, 30, None)
end = time.monotonic() + 60
while source.get_connection_status() != EDataServer.SourceConnectionStatus.CONNECTED:
    if time.monotonic() > end:
        sys.exit("the server was not reached")
    time.sleep(0.05)  # until then it works offline
NONE = ECal.OperationFlags.NONE


def component(text):
    c = ICalGLib.Component.new_from_string(text)
    if c is None:
        raise ValueError("libical cannot read the event")
    return c


def read(uid):
    client.refresh_sync(None)
    for found in client.get_object_list_as_comps_sync('(uid? "%s")' % uid, None)[1]:
        return {"text": found.get_as_string()}
    return {"text": ""}


def texts():
    client.refresh_sync(None)
    return {"texts": [c.as_ical_string() for c in client.get_object_list_sync("#t", None)[1]]}


def do(order):
    what = order["do"]
    if what == "create":
        client.create_object_sync(component(order["text"]), NONE, None)
    elif what == "modify":
        client.modify_object_sync(component(order["text"]), ECal.ObjModType.ALL, NONE, None)
    elif what == "remove":
        client.remove_object_sync(order["uid"], None, ECal.ObjModType.ALL, NONE, None)
    elif what == "receive":
        client.receive_objects_sync(component(order["text"]), NONE, None)
    elif what == "read":
        return read(order["uid"])
    elif what == "list":
        return texts()
    else:
        raise ValueError("unknown order " + what)
    return {}


for line in sys.stdin:
    try:
        answer = do(json.loads(line))
    except (GLib.Error, ValueError) as e:
        answer = {"error": str(e)}
    print(json.dumps(answer), flush=True)
