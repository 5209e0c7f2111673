package conference

import (
	"context"
	"errors"
	"time"
)

// everything is all optional abilities that ask something of the service.
type everything interface {
	Finder
	Stater
	Starter
	Lister
	Checker
	Enroller
	Attender
}

var (
	_ Guarded    = able{}
	_ everything = able{}
)

// As returns p's ability T, with p's guarding if it is guarded; ok is false if the provider does
// not have it. Of an ability that the guard does not know, the provider's own is returned.
func As[T any](p Provider) (ability T, ok bool) {
	wrapped, guarded := p.(Guarded)
	if !guarded {
		ability, ok = p.(T)
		return ability, ok
	}
	inner, ok := As[T](wrapped.Unwrap())
	if !ok {
		return ability, false
	}
	if ability, ok := any(able{wrapped.guarded()}).(T); ok {
		return ability, true
	}
	return inner, true
}

// able is a guard with every ability; of one that the provider lacks it must not be asked.
type able struct{ *guard }

// ability is the provider's T. It is only asked for by methods that As has let through.
func ability[T any](g *guard, name string) (T, error) {
	t, ok := As[T](g.inner)
	if !ok {
		return t, &Error{Kind: Invalid, Call: name, Err: errors.New("the service cannot do this")}
	}
	return t, nil
}

// Find implements Finder.
func (a able) Find(ctx context.Context, m Meeting) (room Room, ok bool, err error) {
	finder, err := ability[Finder](a.guard, "find")
	if err != nil {
		return Room{}, false, err
	}
	err = a.call(ctx, "find", func(ctx context.Context) error {
		var err error
		room, ok, err = finder.Find(ctx, m)
		return err
	})
	return room, ok && err == nil, err
}

// Status implements Stater.
func (a able) Status(ctx context.Context, r Room) (status Status, err error) {
	stater, err := ability[Stater](a.guard, "status")
	if err != nil {
		return "", err
	}
	err = a.call(ctx, "status", func(ctx context.Context) error {
		var err error
		status, err = stater.Status(ctx, r)
		return err
	})
	return status, err
}

// Start implements Starter.
func (a able) Start(ctx context.Context, r Room) error {
	starter, err := ability[Starter](a.guard, "start")
	if err != nil {
		return err
	}
	return a.call(ctx, "start", func(ctx context.Context) error { return starter.Start(ctx, r) })
}

// Stop implements Starter.
func (a able) Stop(ctx context.Context, r Room) error {
	starter, err := ability[Starter](a.guard, "stop")
	if err != nil {
		return err
	}
	return a.call(ctx, "stop", func(ctx context.Context) error { return starter.Stop(ctx, r) })
}

// List implements Lister.
func (a able) List(ctx context.Context, prefix string, from, to time.Time) (list []Listed, err error) {
	lister, err := ability[Lister](a.guard, "list")
	if err != nil {
		return nil, err
	}
	err = a.call(ctx, "list", func(ctx context.Context) error {
		var err error
		list, err = lister.List(ctx, prefix, from, to)
		return err
	})
	return list, err
}

// Enroll implements Enroller.
func (a able) Enroll(ctx context.Context, r Room, people []Participant, leave []Registration) (list []Registration, err error) {
	enroller, err := ability[Enroller](a.guard, "enroll")
	if err != nil {
		return nil, err
	}
	err = a.call(ctx, "enroll", func(ctx context.Context) error {
		var err error
		list, err = enroller.Enroll(ctx, r, people, leave)
		return err
	})
	return list, err
}

// Attendance implements Attender.
func (a able) Attendance(ctx context.Context, r Room) (visits []Visit, err error) {
	attender, err := ability[Attender](a.guard, "attendance")
	if err != nil {
		return nil, err
	}
	err = a.call(ctx, "attendance", func(ctx context.Context) error {
		var err error
		visits, err = attender.Attendance(ctx, r)
		return err
	})
	return visits, err
}

// Check implements Checker. It is not held back by the rate or a pause: an administrator asks.
func (a able) Check(ctx context.Context) (findings []Finding) {
	checker, err := ability[Checker](a.guard, "check")
	if err != nil {
		return []Finding{{Name: a.o.Name, Detail: err.Error(), Remedy: "Nothing can be checked here."}}
	}
	bounded, cancel := context.WithTimeout(ctx, a.o.Timeout)
	defer cancel()
	err = a.run(bounded, "check", func(ctx context.Context) error {
		findings = checker.Check(ctx)
		return nil
	})
	if err != nil {
		findings = append(findings, Finding{Name: a.o.Name, Detail: err.Error(), Remedy: "Report this as a fault of Joinery, with the log."})
	}
	return findings
}
