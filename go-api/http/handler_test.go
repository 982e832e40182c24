package http_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	goapi "bench-frameworks/go-api"
	api "bench-frameworks/go-api/http"
)

var ada = goapi.User{
	ID:          goapi.ID{0x00, 0x07, 0xaf, 0xfd, 0x93, 0x3d, 0x67, 0xcb, 0x9c, 0x4d, 0x38, 0x78, 0x38, 0xeb, 0x8e, 0x95},
	Email:       "user1048@example.com",
	FullName:    "Bob <b>&</b> Ångström",
	Age:         38,
	CountryCode: "PL",
	IsActive:    true,
	CreatedAt:   time.Date(2024, 7, 27, 0, 2, 40, 0, time.UTC),
}

const (
	adaID   = "0007affd-933d-67cb-9c4d-387838eb8e95"
	adaJSON = `{"id":"0007affd-933d-67cb-9c4d-387838eb8e95","email":"user1048@example.com",` +
		`"full_name":"Bob <b>&</b> Ångström","age":38,"country_code":"PL","is_active":true,` +
		`"created_at":"2024-07-27T00:02:40Z"}`

	badRequest       = `{"error":"bad_request"}`
	notFound         = `{"error":"not_found"}`
	methodNotAllowed = `{"error":"method_not_allowed"}`
	unavailable      = `{"error":"unavailable"}`
)

// fakeStore knows one user, and writes down what it is asked.
type fakeStore struct {
	err   error
	calls []string
}

func (s *fakeStore) Ready(context.Context) error {
	s.calls = append(s.calls, "ready")
	return s.err
}

func (s *fakeStore) User(_ context.Context, id goapi.ID) (goapi.User, error) {
	s.calls = append(s.calls, "user "+id.String())
	if s.err == nil && id != ada.ID {
		return goapi.User{}, goapi.ErrNotFound
	}
	return ada, s.err
}

func (s *fakeStore) Users(_ context.Context, page goapi.Page) ([]goapi.User, int64, error) {
	s.calls = append(s.calls, fmt.Sprintf("users %d %d", page.Limit, page.Offset))
	if page.Offset > 0 {
		return nil, 1, s.err
	}
	return []goapi.User{ada}, 1, s.err
}

// logBuffer may be read while the server writes to it.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// serve starts the service over store and returns its address and its log.
func serve(t *testing.T, store goapi.UserStore) (addr string, log *logBuffer) {
	t.Helper()
	log = new(logBuffer)
	logger := slog.New(slog.NewJSONHandler(log, nil))
	server := httptest.NewUnstartedServer(nil)
	server.Config = api.NewServer(api.NewHandler(store, logger), time.Second, logger)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), log
}

// ask sends a request as raw bytes, since http.Client would tidy up the target first.
func ask(t *testing.T, addr, method, target string) (*http.Response, string) {
	t.Helper()
	return askRaw(t, addr, method, method+" "+target+" HTTP/1.1\r\nHost: test\r\n\r\n")
}

func askRaw(t *testing.T, addr, method, request string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	return resp, string(body)
}

func TestAnswers(t *testing.T) {
	onePage := `{"items":[` + adaJSON + `],"limit":50,"offset":0,"total":1}`
	tests := []struct {
		method, target string
		status         int
		body           string
		call           string // what the store is asked, "" for nothing
	}{
		{"GET", "/healthz", 200, `{"status":"ok"}`, ""},
		{"GET", "/healthz?limit=x", 200, `{"status":"ok"}`, ""},
		{"GET", "/readyz", 200, `{"status":"ready"}`, "ready"},

		{"GET", "/users/" + adaID, 200, adaJSON, "user " + adaID},
		{"GET", "/users/" + strings.ToUpper(adaID), 200, adaJSON, "user " + adaID},
		{"GET", "/users/" + adaID + "?limit=x", 200, adaJSON, "user " + adaID},
		{"GET", "/users/" + adaID + "?", 200, adaJSON, "user " + adaID},
		{"GET", "/users/00000000-0000-0000-0000-000000000000", 404, notFound, "user 00000000-0000-0000-0000-000000000000"},
		{"GET", "/users/42", 400, badRequest, ""},
		{"GET", "/users/0007affd933d67cb9c4d387838eb8e95", 400, badRequest, ""},
		{"GET", "/users/{" + adaID + "}", 400, badRequest, ""},
		{"GET", "/users/urn:uuid:" + adaID, 400, badRequest, ""},
		{"GET", "/users/.", 400, badRequest, ""},
		{"GET", "/users/..", 400, badRequest, ""},
		{"GET", "/users/\xff", 400, badRequest, ""},
		{"GET", "/users/%ff", 400, badRequest, ""},

		{"GET", "/users", 200, onePage, "users 50 0"},
		{"GET", "/users?", 200, onePage, "users 50 0"},
		{"GET", "/users?limit=200&offset=7", 200, `{"items":[],"limit":200,"offset":7,"total":1}`, "users 200 7"},
		{"GET", "/users?limit=0", 400, badRequest, ""},
		{"GET", "/users?limit=201", 400, badRequest, ""},
		{"GET", "/users?offset=-1", 400, badRequest, ""},

		// Paths are split at their slashes first and decoded second.
		{"GET", "/us%65rs", 200, onePage, "users 50 0"},
		{"GET", "/%68ealthz", 200, `{"status":"ok"}`, ""},
		{"GET", "/users/%30007affd-933d-67cb-9c4d-387838eb8e95", 200, adaJSON, "user " + adaID},
		{"GET", "/us%65rs/%30007affd-933d-67cb-9c4d-387838eb8e95", 200, adaJSON, "user " + adaID},
		{"GET", "/users/%2F", 400, badRequest, ""},
		{"GET", "/users/%2f", 400, badRequest, ""},
		{"GET", "/users/%2F" + adaID, 400, badRequest, ""},
		{"GET", "/users/%252F", 400, badRequest, ""},
		{"GET", "/users/%252F%41", 400, badRequest, ""},
		{"GET", "/users%2F" + adaID, 404, notFound, ""},
		{"GET", "/%2Fusers", 404, notFound, ""},
		{"GET", "/us%2565rs", 404, notFound, ""},

		{"GET", "/", 404, notFound, ""},
		{"GET", "//", 404, notFound, ""},
		{"GET", "/users/", 404, notFound, ""},
		{"GET", "/users//", 404, notFound, ""},
		{"GET", "//users", 404, notFound, ""},
		{"GET", "/users//" + adaID, 404, notFound, ""},
		{"GET", "/users/" + adaID + "/", 404, notFound, ""},
		{"GET", "/users/" + adaID + "/x", 404, notFound, ""},
		{"GET", "/Users", 404, notFound, ""},
		{"GET", "/healthz/", 404, notFound, ""},
		{"GET", "/./users", 404, notFound, ""},
		{"GET", "/x/../users", 404, notFound, ""},
		{"GET", "/users*", 404, notFound, ""},
		{"GET", "/user", 404, notFound, ""},
		{"GET", "/userss", 404, notFound, ""},
		{"GET", "http://test/healthz", 200, `{"status":"ok"}`, ""},

		// The method is judged before the id and the query, the path before the method.
		{"POST", "/healthz", 405, methodNotAllowed, ""},
		{"POST", "/users", 405, methodNotAllowed, ""},
		{"DELETE", "/users/42", 405, methodNotAllowed, ""},
		{"PUT", "/users?limit=x", 405, methodNotAllowed, ""},
		{"PATCH", "/readyz", 405, methodNotAllowed, ""},
		{"OPTIONS", "/users", 405, methodNotAllowed, ""},
		{"TRACE", "/users", 405, methodNotAllowed, ""},
		{"CONNECT", "/users", 405, methodNotAllowed, ""},
		{"QUERY", "/users", 405, methodNotAllowed, ""},
		{"BREW", "/users", 405, methodNotAllowed, ""},
		{"BREW", "/us%65rs", 405, methodNotAllowed, ""},
		{"BREW", "/users/%2F", 405, methodNotAllowed, ""},
		{"get", "/users", 405, methodNotAllowed, ""},
		{"POST", "/", 404, notFound, ""},
		{"POST", "/users/", 404, notFound, ""},
		{"BREW", "/nothing", 404, notFound, ""},
		{"BREW", "/users/", 404, notFound, ""},
		{"BREW", "/users%2Fx", 404, notFound, ""},
		{"OPTIONS", "*", 404, notFound, ""},
	}
	for _, test := range tests {
		t.Run(test.method+" "+test.target, func(t *testing.T) {
			store := &fakeStore{}
			addr, log := serve(t, store)
			resp, body := ask(t, addr, test.method, test.target)

			if resp.StatusCode != test.status || body != test.body {
				t.Errorf("got %d %s, want %d %s", resp.StatusCode, body, test.status, test.body)
			}
			checkHeader(t, resp, len(test.body))
			if got := strings.Join(store.calls, ","); got != test.call {
				t.Errorf("store was asked %q, want %q", got, test.call)
			}
			if log.String() != "" {
				t.Errorf("unexpected log: %s", log)
			}

			if test.method != "GET" {
				return
			}
			head, body := ask(t, addr, "HEAD", test.target)
			if head.StatusCode != test.status || body != "" {
				t.Errorf("HEAD: got %d %q, want %d and no body", head.StatusCode, body, test.status)
			}
			checkHeader(t, head, len(test.body))
		})
	}
}

func checkHeader(t *testing.T, resp *http.Response, bodyLen int) {
	t.Helper()
	want := map[string]string{
		"Content-Type":   "application/json",
		"Content-Length": strconv.Itoa(bodyLen),
	}
	if resp.StatusCode == http.StatusMethodNotAllowed {
		want["Allow"] = "GET, HEAD"
	}
	for name, value := range want {
		if got := resp.Header[name]; len(got) != 1 || got[0] != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	for name := range resp.Header {
		if _, ok := want[name]; !ok && name != "Date" {
			t.Errorf("unexpected header %s: %q", name, resp.Header[name])
		}
	}
	if len(resp.TransferEncoding) > 0 {
		t.Errorf("Transfer-Encoding: %q, want none", resp.TransferEncoding)
	}
}

func TestBadEscapeInPath(t *testing.T) {
	addr, _ := serve(t, &fakeStore{})
	if resp, _ := ask(t, addr, "GET", "/users/%zz"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("got %d, want 400", resp.StatusCode)
	}
}

func TestRequestBodyIsIgnored(t *testing.T) {
	addr, _ := serve(t, &fakeStore{})
	resp, body := askRaw(t, addr, "GET", "GET /users/"+adaID+" HTTP/1.1\r\nHost: test\r\nContent-Length: 12\r\n\r\n{\"id\":\"none\"")
	if resp.StatusCode != http.StatusOK || body != adaJSON {
		t.Errorf("got %d %s", resp.StatusCode, body)
	}
}

// A page is longer than the buffer up to which net/http counts by itself, so a missing Content-Length would show.
func TestLongPageIsNotChunked(t *testing.T) {
	addr, _ := serve(t, &longStore{})
	resp, body := ask(t, addr, "GET", "/users?limit=200")
	if resp.StatusCode != http.StatusOK || len(body) < 200*len(adaJSON) {
		t.Fatalf("got %d with %d bytes", resp.StatusCode, len(body))
	}
	checkHeader(t, resp, len(body))
}

type longStore struct{ fakeStore }

func (*longStore) Users(_ context.Context, page goapi.Page) ([]goapi.User, int64, error) {
	users := make([]goapi.User, page.Limit)
	for i := range users {
		users[i] = ada
	}
	return users, 200, nil
}

func TestUnavailable(t *testing.T) {
	for _, target := range []string{"/readyz", "/users", "/users/" + adaID} {
		t.Run(target, func(t *testing.T) {
			addr, log := serve(t, &fakeStore{err: errors.New("no connection")})
			for range 3 {
				resp, body := ask(t, addr, "GET", target)
				if resp.StatusCode != http.StatusServiceUnavailable || body != unavailable {
					t.Errorf("got %d %s, want 503 %s", resp.StatusCode, body, unavailable)
				}
				checkHeader(t, resp, len(unavailable))
			}
			if lines := strings.Count(log.String(), "\n"); lines < 1 || !strings.Contains(log.String(), "no connection") {
				t.Errorf("%d lines logged: %s", lines, log)
			}
		})
	}
}
