package postgres

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestQueriesAreCurrent compares the embedded copy with db/queries, the text that all services run.
func TestQueriesAreCurrent(t *testing.T) {
	const source, copied = "../../db/queries", "queries"
	names := sqlFiles(t, source)
	if got := sqlFiles(t, copied); !slices.Equal(got, names) {
		t.Errorf("files are %q, in db/queries %q: run go generate ./...", got, names)
	}
	for _, name := range names {
		want, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(copied, name))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is stale (%v): run go generate ./...", name, err)
		}
	}
	if len(statements) != len(names) {
		t.Errorf("%d statements for %d files", len(statements), len(names))
	}
	for _, s := range statements {
		if !slices.Contains(names, s.name+".sql") {
			t.Errorf("statement %s has no file", s.name)
		}
	}
}

func sqlFiles(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no SQL files in %s (tests run in a checkout of the whole repository): %v", dir, err)
	}
	for i, path := range paths {
		paths[i] = filepath.Base(path)
	}
	return paths
}
