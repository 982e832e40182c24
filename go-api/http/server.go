package http

import (
	"log/slog"
	"net/http"
	"time"
)

// The limits of a request's head are the same in every service of the lab (docs/BIAS.md).
const (
	headTimeout    = 75 * time.Second // for a head to come, from the connection or the request before it
	writeAllowance = 10 * time.Second // for the client to take the answer
	maxHead        = 64 << 10         // bytes
	netHTTPSlop    = 4 << 10          // what net/http takes beyond its limit
)

// NewServer returns a server for handler, whose answers take at most handlerTimeout.
func NewServer(handler http.Handler, handlerTimeout time.Duration, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadTimeout:       headTimeout,
		ReadHeaderTimeout: headTimeout,
		WriteTimeout:      handlerTimeout + writeAllowance, // counts from the end of the request's header
		IdleTimeout:       headTimeout,
		MaxHeaderBytes:    maxHead - netHTTPSlop,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		// "OPTIONS *" is a path we do not know, like any other.
		DisableGeneralOptionsHandler: true,
	}
}
