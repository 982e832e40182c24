package samples

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/parquet-go/parquet-go"
)

func newStore(t *testing.T, maxRows int) *Store {
	t.Helper()
	store, err := NewStore(maxRows)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// someRequests makes n varied requests, the same for the same n.
func someRequests(n int) []Request {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	requests := make([]Request, n)
	at := int64(1_700_000_000_000_000_000)
	for i := range requests {
		at += random.Int64N(200_000) - 50_000 // completion order: starts are not sorted
		waiting := random.Int64N(5_000_000_000)
		requests[i] = Request{
			StartedAt: at,
			Duration:  waiting + random.Int64N(1_000_000),
			Waiting:   waiting,
			Status:    []int{0, 200, 404, 503, 599}[random.IntN(5)],
			Endpoint:  []string{"", "user", "users", "größe"}[random.IntN(4)],
			Phase:     []string{"", "warmup", "measure"}[random.IntN(3)],
			Failed:    random.IntN(2) == 0,
		}
	}
	return requests
}

func TestARowTakesAtMost32Bytes(t *testing.T) {
	if RowBytes > 32 {
		t.Fatalf("a row takes %d bytes", RowBytes)
	}
}

func TestTheFileHoldsEveryRequestInOrder(t *testing.T) {
	requests := someRequests(rowsPerGroup + batchRows + 17) // more than one row group, and a last partial batch
	store := newStore(t, len(requests))
	for _, r := range requests {
		if !store.Add(r) {
			t.Fatal("a request was dropped though there is room")
		}
	}
	path := filepath.Join(t.TempDir(), "samples.parquet")
	if err := WriteFile(path, store, "v0.0.0-test"); err != nil {
		t.Fatal(err)
	}
	got, err := parquet.ReadFile[record](path)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(requests) {
		t.Fatalf("%d rows, want %d", len(got), len(requests))
	}
	for i, r := range requests {
		want := record{r.StartedAt, r.Duration, r.Waiting, int32(r.Status), r.Endpoint, r.Phase, r.Failed}
		if got[i] != want {
			t.Fatalf("row %d is %+v, want %+v", i, got[i], want)
		}
	}
}

func TestSchemaAndMetadata(t *testing.T) {
	store := newStore(t, 2)
	for _, r := range someRequests(5) {
		store.Add(r)
	}
	var buffer bytes.Buffer
	if err := Encode(&buffer, store, "v1.2.3"); err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(buffer.Bytes()), int64(buffer.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"bench.schema_version": "1", "k6.version": "v1.2.3", "rows": "2", "rows_dropped": "3",
	} {
		if got, ok := file.Lookup(key); !ok || got != want {
			t.Errorf("metadata %s is %q, want %q", key, got, want)
		}
	}
	want := []struct{ name, kind string }{
		{"started_at", "INT64"}, {"duration", "INT64"}, {"waiting", "INT64"}, {"status", "INT32"},
		{"endpoint", "BYTE_ARRAY"}, {"phase", "BYTE_ARRAY"}, {"failed", "BOOLEAN"},
	}
	fields := file.Schema().Fields()
	if len(fields) != len(want) {
		t.Fatalf("%d columns, want %d", len(fields), len(want))
	}
	for i, field := range fields {
		if field.Name() != want[i].name || field.Type().Kind().String() != want[i].kind || !field.Required() {
			t.Errorf("column %d is %s %s required=%v, want %+v", i, field.Name(), field.Type(), field.Required(), want[i])
		}
	}
}

func TestOverflowKeepsTheFirstRowsAndCountsTheRest(t *testing.T) {
	requests := someRequests(10)
	store := newStore(t, 4)
	for i, r := range requests {
		if kept := store.Add(r); kept != (i < 4) {
			t.Fatalf("request %d: kept is %v", i, kept)
		}
	}
	if store.Rows() != 4 || store.Dropped() != 6 {
		t.Fatalf("%d rows and %d dropped, want 4 and 6", store.Rows(), store.Dropped())
	}
	for i := range 4 {
		if store.request(i) != requests[i] {
			t.Fatalf("row %d is %+v, want %+v", i, store.request(i), requests[i])
		}
	}
}

func TestTooManyPhasesAreDroppedNotMixedUp(t *testing.T) {
	store := newStore(t, 1000)
	for i := range maxPhases + 3 {
		store.Add(Request{Phase: strconv.Itoa(i)})
	}
	if store.Rows() != maxPhases || store.Dropped() != 3 {
		t.Fatalf("%d rows and %d dropped, want %d and 3", store.Rows(), store.Dropped(), maxPhases)
	}
	if last := store.request(maxPhases - 1).Phase; last != strconv.Itoa(maxPhases-1) {
		t.Fatalf("the last phase is %q", last)
	}
}

func TestAnEmptyStoreMakesAReadableFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "samples.parquet")
	if err := WriteFile(path, newStore(t, 1), "v"); err != nil {
		t.Fatal(err)
	}
	rows, err := parquet.ReadFile[record](path)
	if err != nil || len(rows) != 0 {
		t.Fatalf("%d rows, error %v", len(rows), err)
	}
}

func TestAFailedWriteLeavesTheOldFileAndNoOther(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "samples.parquet")
	if err := os.Mkdir(path, 0o755); err != nil { // a folder in the way makes the rename fail
		t.Fatal(err)
	}
	if err := WriteFile(path, newStore(t, 1), "v"); err == nil {
		t.Fatal("no error")
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 || !entries[0].IsDir() {
		t.Fatalf("left behind: %v, error %v", entries, err)
	}
}

func TestAMissingFolderIsNamedInTheError(t *testing.T) {
	err := WriteFile(filepath.Join(t.TempDir(), "no", "samples.parquet"), newStore(t, 1), "v")
	if !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("error %v", err)
	}
}

func TestImpossibleSizesAreRefused(t *testing.T) {
	for _, size := range []int{-1, 0, 1 << 60} {
		if _, err := NewStore(size); err == nil {
			t.Errorf("%d rows were not refused", size)
		}
	}
}

func TestAddingAllocatesNothing(t *testing.T) {
	store := newStore(t, 100_000)
	request := Request{Endpoint: "user", Phase: "measure", Status: 200}
	store.Add(request)
	if allocations := testing.AllocsPerRun(10_000, func() { store.Add(request) }); allocations != 0 {
		t.Fatalf("%v allocations a request", allocations)
	}
}

func BenchmarkAdd(b *testing.B) {
	store, err := NewStore(1 << 16)
	if err != nil {
		b.Fatal(err)
	}
	request := Request{Endpoint: "user", Phase: "measure", Status: 200}
	for b.Loop() {
		if !store.Add(request) {
			store.used = 0
		}
	}
}
