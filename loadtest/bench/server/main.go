// Server is the trivial service of the recording benchmark: it answers like the services of the lab, from memory and
// with no database, so that k6 and not the service is the bottleneck.
package main

import (
	"crypto/md5"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
)

const pageSize = 50

// table is every answer, made before the first request.
type table struct {
	users map[string][]byte // by id
	pages [][]byte          // by offset / pageSize
	order []string          // ids of user 1, 2, …
}

func newTable(users int) *table {
	t := &table{users: make(map[string][]byte, users)}
	for i := 1; i <= users; i++ {
		h := fmt.Sprintf("%x", md5.Sum([]byte("user-"+strconv.Itoa(i))))
		id := h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
		t.order = append(t.order, id)
		t.users[id] = fmt.Appendf(nil, `{"id":"%s","email":"user%d@example.com","full_name":"Zoë Παπαδόπουλος",`+
			`"age":%d,"country_code":"DE","is_active":true,"created_at":"2024-01-01T00:00:00Z"}`, id, i, 18+i%82)
	}
	sorted := append([]string(nil), t.order...)
	sort.Strings(sorted)
	for offset := 0; offset < users; offset += pageSize {
		var items []string
		for _, id := range sorted[offset:min(offset+pageSize, users)] {
			items = append(items, string(t.users[id]))
		}
		t.pages = append(t.pages, fmt.Appendf(nil, `{"items":[%s],"limit":%d,"offset":%d,"total":%d}`,
			strings.Join(items, ","), pageSize, offset, users))
	}
	return t
}

// expected is the file that BENCH_EXPECTED names: the length in bytes of every answer.
func (t *table) expected() ([]byte, error) {
	var file struct {
		User  []int `json:"user"`
		Users []int `json:"users"`
	}
	for _, id := range t.order {
		file.User = append(file.User, len(t.users[id]))
	}
	for _, page := range t.pages {
		file.Users = append(file.Users, len(page))
	}
	return json.Marshal(file)
}

func (t *table) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch path := r.URL.Path; {
	case path == "/readyz":
		answer(w, http.StatusOK, []byte(`{"status":"ready"}`))
	case path == "/users":
		offset, err := strconv.Atoi(r.URL.Query().Get("offset"))
		if err != nil || offset < 0 || offset%pageSize != 0 || offset/pageSize >= len(t.pages) {
			answer(w, http.StatusBadRequest, []byte(`{"error":"bad_request"}`))
			return
		}
		answer(w, http.StatusOK, t.pages[offset/pageSize])
	default:
		body, found := t.users[strings.TrimPrefix(path, "/users/")]
		if !found {
			answer(w, http.StatusNotFound, []byte(`{"error":"not_found"}`))
			return
		}
		answer(w, http.StatusOK, body)
	}
}

func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left is no matter of ours
}

func main() {
	log.SetFlags(0)
	users := flag.Int("users", 10000, "number of users")
	expected := flag.String("expected", "", "write the BENCH_EXPECTED file here")
	flag.Parse()
	t := newTable(*users)
	if *expected != "" {
		data, err := t.expected()
		if err == nil {
			err = os.WriteFile(*expected, data, 0o644)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr()) // the benchmark reads the address from here
	log.Fatal(http.Serve(listener, t))
}
