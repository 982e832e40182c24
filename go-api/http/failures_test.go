package http

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestFailureLog(t *testing.T) {
	var out bytes.Buffer
	now := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	l := newFailureLog(slog.New(slog.NewJSONHandler(&out, nil)))
	l.now = func() time.Time { return now }

	r := httptest.NewRequest("GET", "/users?limit=1", nil)
	report := func(after time.Duration) {
		now = now.Add(after)
		l.report(r, errors.New("refused"))
	}
	report(0)
	report(logEvery - 1)
	report(0)
	report(1)

	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("want two lines, got %q", lines)
	}
	for i, omitted := range []float64{0, 2} {
		var line map[string]any
		if err := json.Unmarshal([]byte(lines[i]), &line); err != nil {
			t.Fatal(err)
		}
		if line["omitted"] != omitted || line["error"] != "refused" || line["path"] != "/users" || line["level"] != "ERROR" {
			t.Errorf("line %d: %v", i, line)
		}
	}
}
