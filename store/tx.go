package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A Tx is a transaction, valid only inside the function it was given to, for one goroutine.
type Tx struct {
	store    *Store
	conn     *sql.Conn
	ctx      context.Context // ends a view's statements; Background for an update
	at       time.Time
	onCommit []func()
	broken   error // set once the database may have given the transaction up
	over     bool  // its function has ended
	once     bool  // it is for one statement
	looked   bool  // that one has run
}

// OnCommit has f run after the commit, in order, outside the transaction, before Update returns.
func (tx *Tx) OnCommit(f func()) { tx.onCommit = append(tx.onCommit, f) }

// Now is the store's clock, the same throughout the transaction: UTC, to the microsecond.
func (tx *Tx) Now() time.Time { return tx.at }

var (
	errTxOver = errors.New("the transaction is over")
	errLooked = errors.New("a look is one statement")
)

func (s *Store) newTx(ctx context.Context, conn *sql.Conn) *Tx {
	return &Tx{store: s, conn: conn, ctx: ctx, at: s.opts.Now().UTC().Truncate(time.Microsecond)}
}

// call runs f. A panic becomes an error and is logged with its stack. If the database gave the
// transaction up, that is the error, whatever f made of it.
func (tx *Tx) call(f func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = tx.store.panicked("a transaction", p)
		}
		if err == nil {
			err = tx.broken
		}
		tx.over = true
	}()
	return f(tx)
}

// ready says why no statement may run now.
func (tx *Tx) ready() error {
	switch {
	case tx.over:
		return errTxOver
	case tx.broken != nil:
		return tx.broken
	}
	return tx.ctx.Err()
}

// next says why no further statement may begin.
func (tx *Tx) next() error {
	if err := tx.ready(); err != nil || !tx.once {
		return err
	}
	if tx.looked {
		return errLooked
	}
	tx.looked = true
	return nil
}

// exec runs a statement and returns how many rows it touched. Statements get no cancellable
// context: the driver would start a goroutine for each.
func (tx *Tx) exec(query string, args ...any) (int64, error) {
	if err := tx.next(); err != nil {
		return 0, err
	}
	res, err := tx.conn.ExecContext(context.Background(), query, args...)
	if err != nil {
		return 0, tx.failed(err)
	}
	return res.RowsAffected()
}

// row runs a query for one row and scans it.
func (tx *Tx) row(dest []any, query string, args ...any) error {
	if err := tx.next(); err != nil {
		return err
	}
	return tx.failed(tx.conn.QueryRowContext(context.Background(), tx.store.planned(query), args...).Scan(dest...))
}

// insert adds a row and sets its id. (RETURNING would have SQLite make a table of the answer first.)
func (tx *Tx) insert(id *int64, query string, args ...any) error {
	if err := tx.next(); err != nil {
		return err
	}
	res, err := tx.conn.ExecContext(context.Background(), query, args...)
	if err != nil {
		return tx.failed(err)
	}
	*id, err = res.LastInsertId()
	return err
}

// each calls f for every row of a query. f may use tx.
func (tx *Tx) each(f func(scan) error, query string, args ...any) error {
	if err := tx.next(); err != nil {
		return err
	}
	rows, err := tx.conn.QueryContext(context.Background(), tx.store.planned(query), args...)
	if err != nil {
		return tx.failed(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := tx.ready(); err != nil {
			return err
		}
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return tx.failed(rows.Err())
}

// failed turns a driver's error into ours and remembers one after which the database may have
// rolled back by itself: further statements would then be committed one by one.
func (tx *Tx) failed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	case isUnique(err):
		return ErrExists
	case endsTransaction(err):
		tx.broken = err
	}
	return err
}

// scan is the Scan of a row.
type scan func(dest ...any) error

// one reads the row that query finds, with its columns as read expects them. what names it for errors.
func one[T any](tx *Tx, what string, fields func(*T) []any, query string, args ...any) (*T, error) {
	var v T
	if err := tx.row(fields(&v), query, args...); err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return &v, nil
}

// list reads the rows that query finds.
func list[T any](tx *Tx, what string, fields func(*T) []any, query string, args ...any) ([]T, error) {
	var vs []T
	err := tx.each(func(scan scan) error {
		var v T
		if err := scan(fields(&v)...); err != nil {
			return err
		}
		vs = append(vs, v)
		return nil
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return vs, nil
}

// change runs a statement that must touch a row; ErrNotFound if it touched none.
func (tx *Tx) change(what, query string, args ...any) error {
	n, err := tx.exec(query, args...)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// counts reads rows of a name and a number.
func counts[K ~string](tx *Tx, what, query string, args ...any) (map[K]int, error) {
	m := map[K]int{}
	err := tx.each(func(scan scan) error {
		var k K
		var n int
		if err := scan(&k, &n); err != nil {
			return err
		}
		m[k] = n
		return nil
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("count %s: %w", what, err)
	}
	return m, nil
}
