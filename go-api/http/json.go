package http

import (
	"bytes"
	"encoding/json"
	"net/http"
	"sync"

	goapi "bench-frameworks/go-api"
)

// pageJSON is a page of users on the wire, with the keys in the order of the contract.
type pageJSON struct {
	Items  []goapi.User `json:"items"`
	Limit  int          `json:"limit"`
	Offset int64        `json:"offset"`
	Total  int64        `json:"total"`
}

func pageOf(users []goapi.User, page goapi.Page, total int64) pageJSON {
	if users == nil {
		users = []goapi.User{} // not null
	}
	return pageJSON{Items: users, Limit: page.Limit, Offset: page.Offset, Total: total}
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
