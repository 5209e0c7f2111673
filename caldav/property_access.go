package caldav

import (
	"encoding/xml"
	"strings"
)

// accessProperties are those of RFC 3744, RFC 5397 and principals.
func accessProperties() map[xml.Name]property {
	own := func(_ *request, res *resource) (string, bool) {
		return hrefXML(principalPath(res.user.Login)), true
	}
	empty := func(*request, *resource) (string, bool) { return "", true }
	return map[xml.Name]property{
		dav("current-user-principal"): {kinds: kindAll, get: func(q *request, _ *resource) (string, bool) {
			return hrefXML(principalPath(q.user.Login)), true
		}},
		dav("principal-URL"): {kinds: kindPrincipal, public: true, get: own},
		dav("owner"):         {kinds: ownKinds, get: own},
		dav("principal-collection-set"): {kinds: kindAll, get: func(*request, *resource) (string, bool) {
			return hrefXML(principalsPath), true
		}},
		dav("alternate-URI-set"):       {kinds: kindPrincipal, get: empty},
		dav("group-member-set"):        {kinds: kindPrincipal, get: empty},
		dav("group-membership"):        {kinds: kindPrincipal, get: empty},
		dav("inherited-acl-set"):       {kinds: ownKinds, get: empty},
		dav("supported-privilege-set"): {kinds: kindAll, get: getSupportedPrivileges},
		dav("current-user-privilege-set"): {kinds: kindAll, get: func(_ *request, res *resource) (string, bool) {
			return privilegesXML(privilegesOf(res.kind)), true
		}},
		dav("acl"): {kinds: ownKinds, get: func(_ *request, res *resource) (string, bool) {
			return "<D:ace><D:principal>" + hrefXML(principalPath(res.user.Login)) + "</D:principal><D:grant>" +
				privilegesXML(privilegesOf(res.kind)) + "</D:grant><D:protected/></D:ace>", true
		}},
		dav("acl-restrictions"): {kinds: ownKinds, get: func(*request, *resource) (string, bool) {
			return "<D:grant-only/><D:no-invert/>", true
		}},
	}
}

// privilegesOf says what the owner may do with a kind of resource.
func privilegesOf(k kind) []xml.Name {
	read := []xml.Name{dav("read"), dav("read-current-user-privilege-set"), dav("read-acl")}
	switch k {
	case kindCalendar:
		return append(read, cal("read-free-busy"), dav("write"), dav("write-properties"), dav("write-content"),
			dav("bind"), dav("unbind"))
	case kindObject:
		return append(read, cal("read-free-busy"), dav("write"), dav("write-properties"), dav("write-content"))
	case kindHome:
		return append(read, dav("write-properties"), dav("bind"), dav("unbind"))
	case kindPrincipal:
		return append(read, dav("write-properties"))
	case kindInboxItem:
		return append(read, cal("read-free-busy"), dav("write-properties"))
	case kindInbox: // RFC 6638 §6.1
		return append(read, cal("read-free-busy"), dav("write-properties"), dav("unbind"), cal("schedule-deliver"), cal("schedule-deliver-invite"),
			cal("schedule-deliver-reply"), cal("schedule-query-freebusy"))
	case kindOutbox: // RFC 6638 §6.2
		return append(read, dav("write-properties"), cal("schedule-send"), cal("schedule-send-invite"), cal("schedule-send-reply"),
			cal("schedule-send-freebusy"))
	}
	return read
}

// privilegesXML writes one privilege an element: some readers take only the first name of each.
func privilegesXML(ps []xml.Name) string {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString("<D:privilege>" + elementXML(p, "") + "</D:privilege>")
	}
	return b.String()
}

// privilegeTree is RFC 3744 §5.3 with RFC 4791 §6.1.1 and RFC 6638 §6.
type privilegeTree struct {
	name     xml.Name
	text     string
	children []privilegeTree
}

var allPrivileges = privilegeTree{dav("all"), "Everything", []privilegeTree{
	{dav("read"), "Read", []privilegeTree{
		{cal("read-free-busy"), "Read busy time", nil},
		{dav("read-acl"), "Read access control", nil},
		{dav("read-current-user-privilege-set"), "Read own privileges", nil},
	}},
	{dav("write"), "Write", []privilegeTree{
		{dav("write-properties"), "Write properties", nil},
		{dav("write-content"), "Write content", nil},
		{dav("bind"), "Add members", nil},
		{dav("unbind"), "Remove members", nil},
	}},
	{cal("schedule-deliver"), "Deliver scheduling messages", []privilegeTree{
		{cal("schedule-deliver-invite"), "Deliver invitations", nil},
		{cal("schedule-deliver-reply"), "Deliver answers", nil},
		{cal("schedule-query-freebusy"), "Ask for busy time", nil},
	}},
	{cal("schedule-send"), "Send scheduling messages", []privilegeTree{
		{cal("schedule-send-invite"), "Send invitations", nil},
		{cal("schedule-send-reply"), "Send answers", nil},
		{cal("schedule-send-freebusy"), "Ask others for busy time", nil},
	}},
}}

func getSupportedPrivileges(*request, *resource) (string, bool) {
	var b strings.Builder
	var write func(t privilegeTree)
	write = func(t privilegeTree) {
		b.WriteString("<D:supported-privilege><D:privilege>" + elementXML(t.name, "") + "</D:privilege>" +
			`<D:description xml:lang="en">` + escape(t.text) + "</D:description>")
		for _, c := range t.children {
			write(c)
		}
		b.WriteString("</D:supported-privilege>")
	}
	write(allPrivileges)
	return b.String(), true
}
