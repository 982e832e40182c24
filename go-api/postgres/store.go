// Package postgres keeps the users in PostgreSQL: a pgx pool of fixed size and the prepared statements of db/queries.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	goapi "bench-frameworks/go-api"
)

// A Store is a goapi.UserStore over a pool of connections.
type Store struct {
	pool     *pgxpool.Pool
	timeout  time.Duration
	attempts int
}

var _ goapi.UserStore = (*Store)(nil)

// Ready runs ready.sql on a pooled connection.
func (s *Store) Ready(ctx context.Context) error {
	return s.withConn(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		var one int32
		return conn.QueryRow(ctx, ready.name).Scan(&one)
	})
}

// User returns the user with this id, or goapi.ErrNotFound. It costs one round trip.
func (s *Store) User(ctx context.Context, id goapi.ID) (goapi.User, error) {
	var user goapi.User
	err := s.withConn(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		return scanUser(conn.QueryRow(ctx, getUser.name, [16]byte(id)), &user)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return goapi.User{}, goapi.ErrNotFound
	}
	return user, err
}

// Users returns the users of a page and the number of all users. It costs two round trips, one after the other on the
// same connection.
func (s *Store) Users(ctx context.Context, page goapi.Page) ([]goapi.User, int64, error) {
	users := make([]goapi.User, 0, page.Limit)
	var total int64
	err := s.withConn(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		rows, err := conn.Query(ctx, listUsers.name, page.Limit, page.Offset)
		if err != nil {
			return err
		}
		defer rows.Close()
		users = users[:0]
		for rows.Next() {
			users = append(users, goapi.User{})
			if err := scanUser(rows, &users[len(users)-1]); err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		return conn.QueryRow(ctx, countUsers.name).Scan(&total)
	})
	return users, total, err
}

// scanUser reads the columns of get_user.sql and list_users.sql into u.
func scanUser(row pgx.Row, u *goapi.User) error {
	err := row.Scan((*[16]byte)(&u.ID), &u.Email, &u.FullName, &u.Age, &u.CountryCode, &u.IsActive, &u.CreatedAt)
	u.CreatedAt = u.CreatedAt.UTC()
	return err
}

// withConn runs query on a pooled connection. Waiting for the connection and the query together may take s.timeout.
//
// Connections are not pinged before use, since that would be one more round trip per request, so after a restart of
// the database the pool may hold dead ones. A query that found its connection dead is run again on the next one: all
// queries are reads, and a dead connection answers at once. As many attempts as there are connections, and one more,
// reach a fresh connection at the latest.
func (s *Store) withConn(ctx context.Context, query func(context.Context, *pgxpool.Conn) error) error {
	// A cancelled query costs its connection, so a client that goes away does not cancel; the timeout does.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()

	for attempt := 1; ; attempt++ {
		dead, err := s.tryConn(ctx, query)
		if err == nil || !dead || attempt == s.attempts || ctx.Err() != nil {
			return err
		}
	}
}

// tryConn runs query once, and says whether the connection was lost in doing so.
func (s *Store) tryConn(ctx context.Context, query func(context.Context, *pgxpool.Conn) error) (dead bool, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return false, fmt.Errorf("get a database connection: %w", err)
	}
	defer conn.Release()
	err = query(ctx, conn)
	return conn.Conn().IsClosed(), err
}

// Close closes the pool. It waits for queries in flight and for connections to end, at most until ctx is done.
func (s *Store) Close(ctx context.Context) error {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.pool.Close()
	}()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close the connection pool: %w", ctx.Err())
	}
}
