package postgres

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	goapi "bench-frameworks/go-api"
)

const (
	budget = 4
	// Long against anything that happens on loopback, so that a slow machine does not fail a test.
	patient = 30 * time.Second
)

var ada = goapi.User{
	ID:          goapi.ID{0x00, 0x07, 0xaf, 0xfd, 0x93, 0x3d, 0x67, 0xcb, 0x9c, 0x4d, 0x38, 0x78, 0x38, 0xeb, 0x8e, 0x95},
	Email:       "ada@example.com",
	FullName:    "Ada \"Nan\" Ångström",
	Age:         38,
	CountryCode: "PL",
	IsActive:    true,
	CreatedAt:   time.Date(2024, 7, 27, 0, 2, 40, 0, time.UTC),
}

func open(t *testing.T, url string, timeout time.Duration) *Store {
	t.Helper()
	store, err := Open(Config{
		URL: url, ApplicationName: "go-api-test", MinConns: budget, MaxConns: budget, Timeout: timeout,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		if err := store.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return store
}

// eventually waits until done says true.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patient); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// openFull opens a store and waits until its whole budget of connections is open and ready for use.
func openFull(t *testing.T, server *fakeServer, timeout time.Duration) *Store {
	t.Helper()
	store := open(t, server.url(), timeout)
	waitFull(t, store)
	return store
}

func waitFull(t *testing.T, store *Store) {
	t.Helper()
	eventually(t, "all connections idle in the pool", func() bool { return store.pool.Stat().IdleConns() == budget })
}

func TestOpensTheBudgetAtStartAndPreparesOnce(t *testing.T) {
	server := newFakeServer(t)
	openFull(t, server, patient)

	want := map[string]string{}
	for _, s := range statements {
		want[s.name] = s.sql
	}
	sessions := server.sessions()
	if len(sessions) != budget {
		t.Errorf("%d connections, want %d", len(sessions), budget)
	}
	for _, session := range sessions {
		if session.appName != "go-api-test" {
			t.Errorf("application_name is %q", session.appName)
		}
		if !maps.Equal(session.prepared, want) {
			t.Errorf("prepared %q, want %q", session.prepared, want)
		}
	}
	if got := server.counts().prepare; got != budget*len(statements) {
		t.Errorf("%d statements prepared, want %d on each of %d connections", got, len(statements), budget)
	}
}

func TestRoundTrips(t *testing.T) {
	server := newFakeServer(t)
	store := openFull(t, server, patient)
	ctx := context.Background()
	tests := []struct {
		name       string
		roundTrips int
		ask        func() error
	}{
		{"ready", 1, func() error { return store.Ready(ctx) }},
		{"user", 1, func() error {
			user, err := store.User(ctx, ada.ID)
			if user != ada {
				t.Errorf("got %+v, want %+v", user, ada)
			}
			return err
		}},
		{"users", 2, func() error {
			users, total, err := store.Users(ctx, goapi.Page{Limit: 50})
			if len(users) != 1 || users[0] != ada || total != 1 {
				t.Errorf("got %+v of %d", users, total)
			}
			return err
		}},
	}
	// The second pass comes after a pause: pgxpool would ping connections that were idle for a second.
	for _, pause := range []time.Duration{0, 1200 * time.Millisecond} {
		time.Sleep(pause)
		for _, test := range tests {
			before := server.counts()
			if err := test.ask(); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			after := server.counts()
			before.exec += test.roundTrips
			before.sync += test.roundTrips
			if after != before {
				t.Errorf("%s after a pause of %v: server counts %+v, want %+v", test.name, pause, after, before)
			}
		}
	}
}

func TestStaysWithinTheBudget(t *testing.T) {
	server := newFakeServer(t)
	store := open(t, server.url(), patient) // used while it is still opening its connections
	askAll(t, store, 10*budget, 20)
	waitFull(t, store)
	if got := server.counts(); got.peak != budget || got.accepted != budget {
		t.Errorf("%d connections at most and %d opened in all, want %d", got.peak, got.accepted, budget)
	}
}

// askAll lets that many clients ask that often, and wants all answers.
func askAll(t *testing.T, store *Store, clients, times int) {
	t.Helper()
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for range times {
				if _, err := store.User(context.Background(), ada.ID); err != nil {
					t.Errorf("user: %v", err)
				}
				if _, _, err := store.Users(context.Background(), goapi.Page{Limit: 1}); err != nil {
					t.Errorf("users: %v", err)
				}
			}
		})
	}
	group.Wait()
}

func TestDeadConnectionsCostNoAnswer(t *testing.T) {
	for _, clients := range []int{1, budget, 10 * budget} {
		server := newFakeServer(t)
		store := openFull(t, server, patient)
		server.killSessions()
		eventually(t, "sessions gone", func() bool { return server.counts().open == 0 })

		askAll(t, store, clients, budget)

		if got := server.counts().peak; got > budget {
			t.Errorf("%d connections at most, want %d", got, budget)
		}
	}
}

func TestRecoversFromRestart(t *testing.T) {
	server := newFakeServer(t)
	store := openFull(t, server, patient)
	server.stop()
	if err := store.Ready(context.Background()); err == nil {
		t.Error("ready without a database")
	}
	server.restart()
	askAll(t, store, budget, 1)
	waitFull(t, store) // the pool refills by itself
}

func TestDatabaseDownAtStart(t *testing.T) {
	server := newFakeServer(t)
	server.stop()
	store := open(t, server.url(), patient)
	if err := store.Ready(context.Background()); err == nil {
		t.Error("ready without a database")
	}
	server.restart()
	waitFull(t, store)
	if err := store.Ready(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestHangingDatabase(t *testing.T) {
	server := newFakeServer(t)
	store := openFull(t, server, 100*time.Millisecond)
	server.hang()
	// First the connections in the pool time out, then the wait for one of them to come free.
	for range 2 {
		var group sync.WaitGroup
		for range 2 * budget {
			group.Go(func() {
				if _, err := store.User(context.Background(), ada.ID); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
				}
			})
		}
		group.Wait()
	}
	server.proceed()
	eventually(t, "ready again", func() bool { return store.Ready(context.Background()) == nil })
	waitFull(t, store)
	if got := server.counts().peak; got > budget {
		t.Errorf("%d connections at most, want %d", got, budget)
	}
}

// A client that leaves while its query runs must not cost a connection.
func TestClientLeaves(t *testing.T) {
	server := newFakeServer(t)
	store := openFull(t, server, patient)
	server.hang()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- store.Ready(ctx) }()
	eventually(t, "query under way", func() bool { return store.pool.Stat().AcquiredConns() == 1 })
	cancel()
	server.proceed()
	if err := <-done; err != nil {
		t.Errorf("query was cut off: %v", err)
	}
	if got := server.counts(); got.open != budget || got.accepted != budget {
		t.Errorf("connections: %+v, want %d opened and kept", got, budget)
	}
}

func TestCloseDoesNotWaitForAHangingDatabase(t *testing.T) {
	server := newFakeServer(t)
	store := openFull(t, server, patient)
	server.hang()
	go func() { _ = store.Ready(context.Background()) }()
	eventually(t, "query under way", func() bool { return store.pool.Stat().AcquiredConns() == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := store.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	server.proceed()
}

func TestBadURLKeepsItsSecrets(t *testing.T) {
	for _, url := range []string{
		"postgres://user:top/secret@host/db", // an unencoded slash ends the host
		"postgres://user:top secret@host:x/db",
		"postgres://user:topsecret@host:5432:1/db",
		"user=u password='topsecret",
		"postgres://user:topsecret@host/db?sslmode=topsecret",
		"topsecret",
	} {
		_, err := Open(Config{URL: url, MinConns: 1, MaxConns: 1, Timeout: time.Second})
		if err == nil {
			t.Errorf("%s: no error", url)
		} else if strings.Contains(err.Error(), "top") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells: %v", url, err)
		}
	}
}
