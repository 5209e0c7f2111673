// Package web serves what is neither DAV nor mail: the pages behind links, the files of events,
// webhooks, health and metrics. It stands in front of the CalDAV server and passes on what is not its own.
package web
