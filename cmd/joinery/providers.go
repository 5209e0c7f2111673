package main

import (
	"log/slog"
	"net/http"
	"slices"
	"time"

	"joinery/conference"
	"joinery/conference/mtslink"
)

// A providerKind is one kind of interface that an account may have.
type providerKind struct {
	baseURL string // where it is unless the configuration says otherwise
	open    func(p providerConfig, client *http.Client, log *slog.Logger, now func() time.Time) (conference.Provider, error)
}

// providerKinds is the list of all providers; nothing registers itself.
var providerKinds = map[string]providerKind{
	"mtslink": {
		baseURL: "https://userapi.mts-link.ru/v3",
		open: func(p providerConfig, client *http.Client, log *slog.Logger, now func() time.Time) (conference.Provider, error) {
			return mtslink.New(mtslink.Config{Name: p.Name, BaseURL: p.BaseURL, Token: string(p.Token), HookSecret: string(p.HookSecret), HTTP: client, Log: log, Now: now})
		},
	},
}

func kindNames() []string {
	var names []string
	for name := range providerKinds {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
