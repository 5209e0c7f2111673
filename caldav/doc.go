// Package caldav is the CalDAV server over HTTP: WebDAV (RFC 4918), CalDAV (RFC 4791), access
// control and principals (RFC 3744, RFC 5397), collection synchronisation (RFC 6578), extended MKCOL
// (RFC 5689), preferences (RFC 8144), the HTTP side of scheduling (RFC 6638) and managed attachments
// (RFC 8607). It reads the store by itself; every change of an object goes through Changes.
package caldav
