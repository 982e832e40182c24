package http

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	goapi "bench-frameworks/go-api"
)

func encodeName(name string) string {
	rec := httptest.NewRecorder()
	respondJSON(rec, goapi.User{FullName: name, CreatedAt: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)})
	return rec.Body.String()
}

const (
	beforeName = `{"id":"00000000-0000-0000-0000-000000000000","email":"","full_name":`
	afterName  = `,"age":0,"country_code":"","is_active":false,"created_at":"2024-01-02T03:04:05Z"}`
)

// Only the quote, the backslash and control characters are escaped, in their shortest form.
func TestEscaping(t *testing.T) {
	for name, want := range map[string]string{
		"":                         `""`,
		`Anne "Nan"`:               `"Anne \"Nan\""`,
		`C:\Temp`:                  `"C:\\Temp"`,
		"a/b":                      `"a/b"`,
		"\b\f\n\r\t":               `"\b\f\n\r\t"`,
		"\x00\x01\x0b\x1f":         `"\u0000\u0001\u000b\u001f"`,
		"\x7f":                     "\"\x7f\"",
		"Bob <b>&</b>":             `"Bob <b>&</b>"`,
		"O'Brien":                  `"O'Brien"`,
		"José Иванова 李 محمد":      `"José Иванова 李 محمد"`,
		"🦀 𝔊auss":                  `"🦀 𝔊auss"`,
		"e\u0301 \u00a0 \u202e":    "\"e\u0301 \u00a0 \u202e\"",
		"\ufeff \ufffd \U0010ffff": "\"\ufeff \ufffd \U0010ffff\"",
	} {
		if got := encodeName(name); got != beforeName+want+afterName {
			t.Errorf("%q is encoded as\n%s, want\n%s", name, got, beforeName+want+afterName)
		}
	}
}

// A buffer that comes back from the pool must not show through.
func TestBuffersAreReset(t *testing.T) {
	long, short := encodeName("a long name, longer than the next one"), encodeName("x")
	if want := beforeName + `"x"` + afterName; short != want {
		t.Errorf("after %s came %s, want %s", long, short, want)
	}
}

func TestEmptyPage(t *testing.T) {
	got, err := json.Marshal(pageOf(nil, goapi.Page{Limit: 5, Offset: 7}, 3))
	if want := `{"items":[],"limit":5,"offset":7,"total":3}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
