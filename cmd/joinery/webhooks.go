package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"joinery/conference"
	"joinery/web"
)

// hook takes a webhook that was sent to /hook/NAME: that account's, or, where no account has the name,
// one of the accounts of that kind, known by its secret.
func (a *app) hook(ctx context.Context, name string, header http.Header, body []byte) error {
	var names []string
	for _, p := range a.config.Providers {
		if p.Name == name {
			names = []string{name}
			break
		}
		if p.Kind == name {
			names = append(names, p.Name)
		}
	}
	err := web.ErrUnknownHook
	for _, name := range names {
		n, ok := conference.As[conference.Notifier](a.providers[name])
		if !ok {
			continue
		}
		notice, concerns, readErr := n.Notice(header, body)
		switch {
		case errors.Is(readErr, conference.ErrForged):
			if err != nil {
				err = readErr
			}
			continue
		case readErr != nil:
			return fmt.Errorf("%w: %w", web.ErrUnreadableHook, readErr)
		}
		err = nil
		if concerns {
			// Accounts may share a secret: the room is at one of them.
			if err := a.reconciler.Notice(ctx, name, notice); err != nil {
				return err
			}
		}
	}
	return err
}
