package http

import (
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// logEvery bounds the error log: with the database down every request fails, and thousands of equal lines a second
// would only cost.
const logEvery = time.Second

// A failureLog writes at most one line per logEvery, and in it how many failures it did not write since the last.
type failureLog struct {
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	last    time.Time
	omitted int
}

func newFailureLog(log *slog.Logger) *failureLog {
	return &failureLog{log: log, now: time.Now}
}

func (l *failureLog) report(r *http.Request, err error) {
	omitted, due := l.due()
	if !due {
		return
	}
	l.log.LogAttrs(r.Context(), slog.LevelError, "store unavailable",
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.String("error", err.Error()),
		slog.Int("omitted", omitted))
}

func (l *failureLog) due() (omitted int, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if !l.last.IsZero() && now.Sub(l.last) < logEvery {
		l.omitted++
		return 0, false
	}
	omitted, l.last, l.omitted = l.omitted, now, 0
	return omitted, true
}
