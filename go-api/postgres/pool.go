package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config says which database to use and within which budget.
type Config struct {
	URL             string        // postgres://user:password@host:port/database, or key=value pairs
	ApplicationName string        // as pg_stat_activity shows it
	MinConns        int32         // opened at start and kept
	MaxConns        int32         // never more than this
	Timeout         time.Duration // for one request: waiting for a connection and its queries together
}

// refillPeriod is how often the pool looks whether connections are missing. The look costs no round trip.
const refillPeriod = time.Second

// errBadURL does not wrap pgx's error, which repeats parts of the URL and with it perhaps of the password.
var errBadURL = errors.New("not a PostgreSQL connection URL " +
	"(form: postgres://user:password@host:port/database, special characters in the password percent-encoded)")

// Open makes a store and opens its connections in the background. A database that is down is no error: the pool tries
// again every second, and requests fail until then. The only errors are those of cfg.
func Open(cfg Config) (*Store, error) {
	pc, err := poolConfig(cfg)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), pc)
	if err != nil {
		return nil, fmt.Errorf("make the connection pool: %w", err)
	}
	return &Store{pool: pool, timeout: cfg.Timeout, attempts: int(cfg.MaxConns) + 1}, nil
}

func poolConfig(cfg Config) (*pgxpool.Config, error) {
	pc, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, errBadURL
	}
	pc.ConnConfig.RuntimeParams["application_name"] = cfg.ApplicationName
	// Opening a connection goes on in the background when the request that caused it has given up.
	pc.ConnConfig.ConnectTimeout = cfg.Timeout
	pc.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
		defer cancel()
		return prepare(ctx, conn)
	}

	pc.MinConns = cfg.MinConns
	pc.MaxConns = cfg.MaxConns
	pc.MinIdleConns = 0
	// Connections live as long as the server keeps them: no churn under load.
	pc.MaxConnLifetime = 0
	pc.HealthCheckPeriod = refillPeriod
	// See Store.withConn for what takes the place of a ping.
	pc.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	return pc, nil
}

func prepare(ctx context.Context, conn *pgx.Conn) error {
	for _, s := range statements {
		if _, err := conn.Prepare(ctx, s.name, s.sql); err != nil {
			return fmt.Errorf("prepare %s: %w", s.name, err)
		}
	}
	return nil
}
