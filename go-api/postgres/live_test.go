package postgres

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	goapi "bench-frameworks/go-api"
)

// liveURL names a database with the migrations and the seed of db/ applied, under the services' role.
func liveURL(t *testing.T) string {
	t.Helper()
	url := os.Getenv("TEST_DATABASE_URL")
	if url == "" {
		t.Skip("TEST_DATABASE_URL is not set: it names a migrated and seeded database, under the role of the services")
	}
	return url
}

// observe opens a connection beside the pool.
func observe(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func queryInt(t *testing.T, conn *pgx.Conn, sql string, args ...any) (n int64) {
	t.Helper()
	if err := conn.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// seedID is the id of row i of the seed.
func seedID(i int) goapi.ID {
	return md5.Sum(fmt.Appendf(nil, "user-%d", i))
}

func TestLiveAnswers(t *testing.T) {
	ctx := context.Background()
	store := open(t, liveURL(t), patient)

	user, err := store.User(ctx, seedID(1))
	if err != nil || user.ID != seedID(1) || user.Email != "user1@example.com" || user.FullName == "" || user.Age < 18 ||
		len(user.CountryCode) != 2 || user.CreatedAt.Location().String() != "UTC" || user.CreatedAt.Nanosecond() != 0 {
		t.Errorf("got %+v, %v", user, err)
	}
	if _, err := store.User(ctx, goapi.ID{}); !errors.Is(err, goapi.ErrNotFound) {
		t.Errorf("unknown id: got %v, want %v", err, goapi.ErrNotFound)
	}

	first, total, err := store.Users(ctx, goapi.Page{Limit: 200})
	if err != nil || len(first) != 200 || total < 200 {
		t.Fatalf("got %d of %d users, %v", len(first), total, err)
	}
	for i := 1; i < len(first); i++ {
		if first[i-1].ID.String() >= first[i].ID.String() {
			t.Errorf("users %d and %d are out of order", i-1, i)
		}
	}
	next, _, err := store.Users(ctx, goapi.Page{Limit: 1, Offset: 199})
	if err != nil || len(next) != 1 || next[0] != first[199] {
		t.Errorf("offset 199: got %+v, %v, want %+v", next, err, first[199])
	}
	none, again, err := store.Users(ctx, goapi.Page{Limit: 200, Offset: 1<<63 - 1})
	if err != nil || len(none) != 0 || again != total {
		t.Errorf("past the end: got %d users of %d, %v", len(none), again, err)
	}
}

func TestLiveStatementsPerRequest(t *testing.T) {
	ctx, url := context.Background(), liveURL(t)
	observer := observe(t, url)
	if queryInt(t, observer, "SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'") == 0 {
		t.Skip("the database of TEST_DATABASE_URL has no pg_stat_statements: calls cannot be counted")
	}
	store := open(t, url, patient)
	waitFull(t, store)

	const times = 10
	calls := func(s statement) int64 {
		return queryInt(t, observer, "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements WHERE query = $1", s.sql)
	}
	before := map[string]int64{}
	for _, s := range statements {
		before[s.name] = calls(s)
	}
	for i := range times {
		if _, err := store.User(ctx, seedID(i+1)); err != nil {
			t.Error(err)
		}
		if _, _, err := store.Users(ctx, goapi.Page{Limit: 10, Offset: int64(i)}); err != nil {
			t.Error(err)
		}
	}
	for _, s := range statements {
		want := int64(times)
		if s == ready {
			want = 0
		}
		if got := calls(s) - before[s.name]; got != want {
			t.Errorf("%s ran %d times, want %d", s.name, got, want)
		}
	}
}

func TestLiveTerminatedConnections(t *testing.T) {
	url := liveURL(t)
	observer := observe(t, url)
	store := open(t, url, patient)
	waitFull(t, store)
	const own = " FROM pg_stat_activity WHERE application_name = 'go-api-test' AND usename = current_user"

	killed := queryInt(t, observer, "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 10000))"+own)
	if killed != budget {
		t.Fatalf("terminated %d connections, want %d", killed, budget)
	}
	var group sync.WaitGroup
	for i := range 5 * budget {
		group.Go(func() {
			if _, err := store.User(context.Background(), seedID(i+1)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	waitFull(t, store)
	if got := queryInt(t, observer, "SELECT count(*)"+own); got != budget {
		t.Errorf("%d connections, want %d", got, budget)
	}
}
