package caldav

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"

	"joinery/store"
)

// maxExpansion bounds the responses of one expand-property.
const maxExpansion = 1000

// A wantedProperty is a DAV:property: its hrefs are followed, where it names further ones.
type wantedProperty struct {
	name   xml.Name
	nested []wantedProperty
}

func parseWanted(el *element) ([]wantedProperty, error) {
	var ws []wantedProperty
	for _, c := range el.children() {
		if !c.is(nsDAV, "property") {
			continue
		}
		name, ok := c.attr("name")
		if !ok {
			return nil, refuse(http.StatusBadRequest, "a property has no name")
		}
		space, ok := c.attr("namespace")
		if !ok {
			space = nsDAV
		}
		if !isLocalName(name) || reserved(space) {
			return nil, refuse(http.StatusBadRequest, "no property can have the name %q", name)
		}
		nested, err := parseWanted(c)
		if err != nil {
			return nil, err
		}
		ws = append(ws, wantedProperty{xml.Name{Space: space, Local: name}, nested})
	}
	return ws, nil
}

// expandProperty answers expand-property (RFC 3253 §3.8): properties, and in place of the hrefs in
// them the properties of what they lead to.
func (q *request) expandProperty(root *element) error {
	if d, err := depth(q.r.Header, 0); err != nil || d < 0 {
		return refuse(http.StatusBadRequest, "Depth is 0 here")
	}
	if root.size() > maxProps {
		return errProps
	}
	wanted, err := parseWanted(root)
	if err != nil {
		return err
	}
	var res *resource
	var groups []propstat
	err = q.store.View(q.ctx(), func(tx *store.Tx) (err error) {
		if res, err = q.resolve(tx, q.place); err != nil {
			return err
		}
		x := expansion{q: q, tx: tx}
		groups, err = x.propstats(res, wanted)
		return err
	})
	if err != nil {
		return err
	}
	ms := q.startMultistatus()
	ms.response(res.href(), groups)
	return ms.end("")
}

type expansion struct {
	q     *request
	tx    *store.Tx
	count int
}

func (x *expansion) propstats(res *resource, wanted []wantedProperty) ([]propstat, error) {
	if x.count++; x.count > maxExpansion {
		return nil, errTooMuch
	}
	if slices.ContainsFunc(wanted, func(w wantedProperty) bool { return properties[w.name].get == nil }) {
		if err := res.readDead(x.tx); err != nil {
			return nil, err
		}
	}
	var found, missing strings.Builder
	for _, w := range wanted {
		text, ok := x.q.property(res, w.name, false)
		if !ok {
			missing.WriteString(elementXML(w.name, ""))
			continue
		}
		if len(w.nested) > 0 {
			var err error
			if text, err = x.follow(text, w.nested); err != nil {
				return nil, err
			}
		}
		found.WriteString(text)
	}
	return []propstat{
		{status: http.StatusOK, props: found.String()},
		{status: http.StatusNotFound, props: missing.String()},
	}, nil
}

// hrefTags begin and end hrefs: as our own getters write them, and as they stand in dead properties.
var hrefTags = [][2]string{{"<D:href>", "</D:href>"}, {`<href xmlns="DAV:">`, "</href>"}}

// follow puts responses in the place of hrefs; those that lead nowhere here (addresses of people) stay as they are.
func (x *expansion) follow(text string, wanted []wantedProperty) (string, error) {
	var b strings.Builder
	for {
		i, begin, end := -1, "", ""
		for _, tags := range hrefTags {
			if at := strings.Index(text, tags[0]); at >= 0 && (i < 0 || at < i) {
				i, begin, end = at, tags[0], tags[1]
			}
		}
		if i < 0 {
			break
		}
		n := strings.Index(text[i:], end)
		if n < 0 {
			break
		}
		href := text[i+len(begin) : i+n]
		if strings.Contains(href, "<") { // a dead property may hold anything
			b.WriteString(text[:i+len(begin)])
			text = text[i+len(begin):]
			continue
		}
		b.WriteString(text[:i])
		response, err := x.response(href, wanted)
		if err != nil {
			return "", err
		}
		b.WriteString(response)
		text = text[i+n+len(end):]
	}
	b.WriteString(text)
	return b.String(), nil
}

func (x *expansion) response(escaped string, wanted []wantedProperty) (string, error) {
	whole := "<D:href>" + escaped + "</D:href>"
	p, err := parseHref(strings.ReplaceAll(escaped, "&amp;", "&"))
	if err != nil {
		return whole, nil // mailto: and the like
	}
	if x.q.ownOnly(p) != nil {
		return "<D:response>" + whole + statusXML(http.StatusForbidden) + "</D:response>", nil
	}
	res, err := x.q.resolve(x.tx, p)
	if err != nil {
		return "<D:response>" + whole + statusXML(http.StatusNotFound) + "</D:response>", nil
	}
	groups, err := x.propstats(res, wanted)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("<D:response>" + whole)
	for _, g := range groups {
		if g.props != "" {
			g.write(&b)
		}
	}
	b.WriteString("</D:response>")
	return b.String(), nil
}
