package main

import (
	"fmt"
	"net"
	"strconv"
	"time"
)

// config is what the environment says. All of it is required: a budget that silently took a default would make a
// comparison unfair.
type config struct {
	addr        string // host:port to listen on
	databaseURL string
	dbTimeout   time.Duration
	dbMinConns  int32
	dbMaxConns  int32
}

const maxConns = 10_000 // far above what a PostgreSQL server takes

func configFrom(getenv func(string) string) (config, error) {
	env := environment{getenv: getenv}
	host := env.text("HOST")
	port := env.number("PORT", 1, 65535)
	cfg := config{
		addr:        net.JoinHostPort(host, strconv.Itoa(port)),
		databaseURL: env.text("DATABASE_URL"),
		dbTimeout:   time.Duration(env.number("DB_TIMEOUT_MS", 1, 3_600_000)) * time.Millisecond,
		dbMinConns:  int32(env.number("DB_MIN_CONNS", 1, maxConns)),
		dbMaxConns:  int32(env.number("DB_MAX_CONNS", 1, maxConns)),
	}
	// The Go runtime reads GOMAXPROCS itself, and passes over a value that makes no sense.
	env.number("GOMAXPROCS", 1, 1<<16)
	if env.err == nil && cfg.dbMinConns > cfg.dbMaxConns {
		env.err = fmt.Errorf("DB_MIN_CONNS is %d, more than DB_MAX_CONNS, which is %d", cfg.dbMinConns, cfg.dbMaxConns)
	}
	return cfg, env.err
}

// environment reads variables and keeps the first error.
type environment struct {
	getenv func(string) string
	err    error
}

func (e *environment) text(name string) string {
	value := e.getenv(name)
	if value == "" && e.err == nil {
		e.err = fmt.Errorf("%s is not set", name)
	}
	return value
}

func (e *environment) number(name string, low, high int) int {
	value := e.text(name)
	n, err := strconv.Atoi(value)
	if (err != nil || n < low || n > high) && e.err == nil {
		e.err = fmt.Errorf("%s is %q: want a whole number from %d to %d", name, value, low, high)
	}
	return n
}
