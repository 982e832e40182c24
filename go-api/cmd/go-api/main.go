// Command go-api serves the users API: chi over pgx.
//
// All settings come from the environment, and all are required:
//
//	HOST, PORT                  where to listen
//	DATABASE_URL                postgres://user:password@host:port/database
//	DB_TIMEOUT_MS               milliseconds a request may wait for a connection and its queries together
//	DB_MIN_CONNS, DB_MAX_CONNS  size of the connection pool, opened at start and never exceeded
//	GOMAXPROCS                  threads that run Go code; the Go runtime reads it
//
// It logs to standard error, one JSON object a line. It exits with 0 after SIGTERM or SIGINT, with 1 when it cannot
// listen or had to cut off requests, and with 2 when its arguments or settings make no sense.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	goapi "bench-frameworks/go-api"
	"bench-frameworks/go-api/http"
	"bench-frameworks/go-api/postgres"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

func run(args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 1 && args[0] == "--version":
		fmt.Fprintln(stdout, goapi.Name, goapi.Version, runtime.Version())
		return exitOK
	case len(args) > 0:
		fmt.Fprintf(stderr, "%s: unknown arguments %q: the only one is --version, settings come from the environment\n",
			goapi.Name, args)
		return exitUsage
	}
	cfg, err := configFrom(getenv)
	if err != nil {
		fmt.Fprintf(stderr, "%s: environment: %v\n", goapi.Name, err)
		return exitUsage
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	log := slog.New(slog.NewJSONHandler(stderr, nil))

	listener, err := net.Listen("tcp", cfg.addr)
	if err != nil {
		fmt.Fprintf(stderr, "%s: cannot listen on HOST and PORT: %v\n", goapi.Name, err)
		return exitFailed
	}
	store, err := postgres.Open(postgres.Config{
		URL:             cfg.databaseURL,
		ApplicationName: goapi.Name,
		MinConns:        cfg.dbMinConns,
		MaxConns:        cfg.dbMaxConns,
		Timeout:         cfg.dbTimeout,
	})
	if err != nil {
		fmt.Fprintf(stderr, "%s: DATABASE_URL: %v\n", goapi.Name, err)
		return exitUsage
	}
	server := http.NewServer(http.NewHandler(store, log), cfg.dbTimeout, log)

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	log.Info("listening", "address", listener.Addr().String())

	select {
	case err := <-served:
		log.Error("server stopped", "error", err)
		return exitFailed
	case <-ctx.Done():
		stop() // a second signal ends the process at once
	}
	log.Info("draining")
	if err := drain(server, store, log); err != nil {
		log.Error("requests were cut off", "error", err)
		return exitFailed
	}
	return exitOK
}
