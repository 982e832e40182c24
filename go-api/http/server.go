package http

import (
	"log/slog"
	"net/http"
	"time"
)

const (
	readTimeout    = 5 * time.Second // whole request; its header too
	idleTimeout    = 2 * time.Minute
	writeAllowance = 10 * time.Second // for the client to take the answer
	maxHeaderBytes = 16 << 10
)

// NewServer returns a server for handler, whose answers take at most handlerTimeout.
func NewServer(handler http.Handler, handlerTimeout time.Duration, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadTimeout:       readTimeout,
		ReadHeaderTimeout: readTimeout,
		WriteTimeout:      handlerTimeout + writeAllowance, // counts from the end of the request's header
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		// "OPTIONS *" is a path we do not know, like any other.
		DisableGeneralOptionsHandler: true,
	}
}
