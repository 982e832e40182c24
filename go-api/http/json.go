package http

import (
	"bytes"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	goapi "bench-frameworks/go-api"
)

// userJSON and pageJSON are users on the wire, with the keys in the order of the contract.
type userJSON struct {
	ID          goapi.ID  `json:"id"`
	Email       string    `json:"email"`
	FullName    string    `json:"full_name"`
	Age         int32     `json:"age"`
	CountryCode string    `json:"country_code"`
	IsActive    bool      `json:"is_active"`
	CreatedAt   time.Time `json:"created_at"`
}

type pageJSON struct {
	Items  []userJSON `json:"items"`
	Limit  int        `json:"limit"`
	Offset int64      `json:"offset"`
	Total  int64      `json:"total"`
}

func userOf(u goapi.User) userJSON { return userJSON(u) }

func pageOf(users []goapi.User, page goapi.Page, total int64) pageJSON {
	items := make([]userJSON, len(users))
	for i, u := range users {
		items[i] = userOf(u)
	}
	return pageJSON{Items: items, Limit: page.Limit, Offset: page.Offset, Total: total}
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// respondJSON answers 200 with v.
func respondJSON(w http.ResponseWriter, v any) {
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // the types above always encode
	}
	respond(w, http.StatusOK, bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
}
