package caldav

import (
	"net/http"
	"strings"

	"joinery/store"
)

// depth reads the Depth header: 0, 1 or -1 for infinity; absent is returned as otherwise.
func depth(h http.Header, otherwise int) (int, error) {
	switch strings.ToLower(h.Get("Depth")) {
	case "":
		return otherwise, nil
	case "0":
		return 0, nil
	case "1", "1,noroot":
		return 1, nil
	case "infinity", "infinite":
		return -1, nil
	}
	return 0, refuse(http.StatusBadRequest, "Depth is 0, 1 or infinity")
}

// propfind answers PROPFIND (RFC 4918 §9.1).
func (q *request) propfind() error {
	d, err := depth(q.r.Header, -1)
	if err != nil {
		return err
	}
	if d < 0 {
		if q.place.kind&kindMember == 0 {
			return davError(http.StatusForbidden, "propfind-finite-depth")
		}
		d = 0
	}
	root, err := readXML(q.r)
	if err != nil {
		return err
	}
	pq := &propQuery{allprop: true}
	if root != nil {
		if !root.is(nsDAV, "propfind") {
			return refuse(http.StatusBadRequest, "a propfind is expected")
		}
		if pq, err = parseProps(root, false); err != nil {
			return err
		}
	}
	var res *resource
	err = q.store.View(q.ctx(), func(tx *store.Tx) (err error) {
		if res, err = q.resolve(tx, q.place); err != nil {
			return err
		}
		return res.loadDead(tx, pq)
	})
	if err != nil {
		return err
	}
	if q.prefer.noRoot && d == 1 {
		q.w.Header().Add("Preference-Applied", "depth-noroot")
	}
	ms := q.startMultistatus()
	if !q.prefer.noRoot || d == 0 {
		groups, err := q.propstats(res, pq)
		if err != nil {
			return err
		}
		ms.response(res.href(), groups)
	}
	if d == 1 {
		if err := q.writeAll(ms, res, pq); err != nil {
			return err
		}
	}
	return ms.end("")
}
