package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"bench-frameworks/go-api/postgres"
)

// From SIGTERM to exit the service has ten seconds: requests in flight get the first part, the pool the second.
const (
	drainTimeout     = 8 * time.Second
	poolCloseTimeout = time.Second
)

// drain stops accepting, lets the requests in flight finish, and closes the pool. Its error says that requests were
// cut off.
func drain(server *http.Server, store *postgres.Store, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	err := server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, server.Close())
	}

	ctx, cancel = context.WithTimeout(context.Background(), poolCloseTimeout)
	defer cancel()
	if closeErr := store.Close(ctx); closeErr != nil {
		// A database that hangs does not take our farewell; the end of the process closes the sockets.
		log.Warn("database did not let go", "error", closeErr)
	}
	return err
}
