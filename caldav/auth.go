package caldav

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"joinery/store"
)

const (
	credentialLife = time.Hour   // how long a verified password is believed after it was last used
	refusalLife    = time.Minute // how long a refused one is
	maxHashing     = 4           // password hashes at once
	maxRemembered  = 10_000      // credentials, logins, addresses

	failBurst = 20               // different wrong passwords an address may try of a login at once
	failEvery = 15 * time.Second // and one more in every such time

	// Behind a proxy that we are not told to trust, or a company's router, an address is everybody.
	addressBurst = 500         // wrong passwords of an address for whatever logins
	addressEvery = time.Second // and one more in every such time
)

// An authenticator knows who asks. Verified credentials are remembered for a short time under an HMAC with
// a key of this process, together with the hash in the user's row: they count only while that row
// still says the same. Refused ones are remembered too, so that a device with an old password
// neither costs a hash each minute nor uses up what its address may fail.
type authenticator struct {
	store   *store.Store
	now     func() time.Time
	address func(*http.Request) string
	key     [32]byte
	dummy   string // a hash of no known password that costs what others do, for unknown users
	hashing chan struct{}
	flight  singleflight.Group

	mu     sync.Mutex
	known  map[[32]byte]credential
	logins *failures // by address and login
	nets   *failures // by address
	trades map[int64]*rate.Limiter
	perSec float64
}

type credential struct {
	hash    string // of the user's row; empty for unknown users
	ok      bool
	expires time.Time
}

func newAuthenticator(st *store.Store, now func() time.Time, address func(*http.Request) string, perSecond float64) *authenticator {
	a := &authenticator{
		store: st, now: now, address: address, perSec: perSecond,
		hashing: make(chan struct{}, min(maxHashing, runtime.GOMAXPROCS(0))),
		known:   map[[32]byte]credential{},
		logins:  newFailures(failEvery, failBurst),
		nets:    newFailures(addressEvery, addressBurst),
		trades:  map[int64]*rate.Limiter{},
	}
	random := make([]byte, argonSalt+argonKey)
	_, _ = rand.Read(a.key[:]) // crypto/rand.Read never fails
	_, _ = rand.Read(random)
	a.dummy = argonHash{argonMemory, argonTime, argonThreads, random[:argonSalt], random[argonSalt:]}.encode()
	return a
}

var errCredentials = refuse(http.StatusUnauthorized, "a login and its password are needed")

// user returns who asks, by Basic authentication (RFC 7617). The error is *httpError where the client is at fault.
func (a *authenticator) user(r *http.Request) (*store.User, error) {
	login, password, ok := r.BasicAuth()
	if !ok || login == "" || len(login) > 1024 || len(password) > 1024 {
		return nil, errCredentials
	}
	u, err := a.lookup(r.Context(), login)
	if err != nil {
		return nil, err
	}
	hash := ""
	if u != nil {
		hash = u.Password
	}
	id := a.identify(login, password)
	ok, seen := a.remembered(id, hash)
	if !seen {
		if u != nil {
			login = u.Login // every name of a user leads to one count
		}
		if ok, err = a.verify(r, login, id, hash, password); err != nil {
			return nil, err
		}
	}
	if !ok || u == nil {
		return nil, errCredentials
	}
	return u, nil
}

// lookup finds the user by login, or by one of the addresses; nil if there is none.
func (a *authenticator) lookup(ctx context.Context, login string) (*store.User, error) {
	var u *store.User
	for _, find := range []func(*store.Tx, string) (*store.User, error){(*store.Tx).UserByLogin, (*store.Tx).UserByAddress} {
		err := a.store.Look(ctx, func(tx *store.Tx) (err error) {
			u, err = find(tx, login)
			return err
		})
		if err == nil {
			break
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		u = nil
	}
	if u != nil && (u.Removed || u.Password == "") {
		return nil, nil
	}
	return u, nil
}

func (a *authenticator) identify(login, password string) (id [32]byte) {
	m := hmac.New(sha256.New, a.key[:])
	m.Write([]byte(login))
	m.Write([]byte{0})
	m.Write([]byte(password))
	m.Sum(id[:0])
	return id
}

func (a *authenticator) remembered(id [32]byte, hash string) (ok, seen bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, found := a.known[id]
	now := a.now()
	if !found || c.hash != hash || !now.Before(c.expires) {
		return false, false
	}
	if c.ok {
		c.expires = now.Add(credentialLife)
		a.known[id] = c
	}
	return c.ok, true
}

// verify hashes the password, once for requests that come at the same time.
func (a *authenticator) verify(r *http.Request, login string, id [32]byte, hash, password string) (bool, error) {
	from := clientNet(a.address(r))
	ofLogin, ofNet := a.logins.of(from+"\x00"+strings.ToLower(login), a.now()), a.nets.of(from, a.now())
	if err := a.mayTry(ofLogin, ofNet); err != nil {
		return false, err
	}
	ch := a.flight.DoChan(string(id[:])+hash, func() (any, error) {
		a.hashing <- struct{}{}
		defer func() {
			if <-a.hashing; len(a.hashing) == 0 {
				runtime.GC() // what comes next is not to grow beside the 19 MiB of a hash
			}
		}()
		// Those before it in the queue may have been wrong.
		if err := a.mayTry(ofLogin, ofNet); err != nil {
			return false, err
		}
		against := hash
		if against == "" {
			against = a.dummy // unknown users take as long as others
		}
		ok := VerifyPassword(against, password) && hash != ""
		if !ok {
			ofLogin.AllowN(a.now(), 1)
			ofNet.AllowN(a.now(), 1)
		}
		a.remember(id, hash, ok)
		return ok, nil
	})
	select {
	case res := <-ch:
		return res.Val.(bool), res.Err
	case <-r.Context().Done():
		return false, r.Context().Err()
	}
}

// mayTry refuses where too many passwords were wrong.
func (a *authenticator) mayTry(ofLogin, ofNet *rate.Limiter) error {
	now := a.now()
	wait := max(waitFor(ofLogin, now), waitFor(ofNet, now))
	if wait == 0 {
		return nil
	}
	e := refuse(http.StatusTooManyRequests, "too many wrong passwords from this address")
	e.retryAfter = wait
	return e
}

func (a *authenticator) remember(id [32]byte, hash string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if len(a.known) >= maxRemembered {
		for k, c := range a.known {
			if !now.Before(c.expires) {
				delete(a.known, k)
			}
		}
		if len(a.known) >= maxRemembered {
			clear(a.known)
		}
	}
	life := refusalLife
	if ok {
		life = credentialLife
	}
	a.known[id] = credential{hash: hash, ok: ok, expires: now.Add(life)}
}

// admit bounds the requests of one principal; it returns how long to wait, 0 to go on.
func (a *authenticator) admit(u *store.User) time.Duration {
	a.mu.Lock()
	l := a.trades[u.ID]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(a.perSec), int(10*a.perSec))
		a.trades[u.ID] = l
	}
	a.mu.Unlock()
	now := a.now()
	if l.AllowN(now, 1) {
		return 0
	}
	return max(waitFor(l, now), time.Second)
}

// waitFor tells how long until the limiter has a token; it takes none.
func waitFor(l *rate.Limiter, now time.Time) time.Duration {
	tokens := l.TokensAt(now)
	if tokens >= 1 {
		return 0
	}
	return time.Duration((1 - tokens) / float64(l.Limit()) * float64(time.Second))
}

// remoteHost is the address at the other end of the connection.
func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// clientNet is what counts as one client: an IPv4 address, or the /64 of an IPv6 one, of which
// everybody has plenty.
func clientNet(host string) string {
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Unmap().Is4() {
		return host
	}
	p, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return host
	}
	return p.String()
}
