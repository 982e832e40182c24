// Package http answers the requests of the API contract from a goapi.UserStore.
package http

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	goapi "bench-frameworks/go-api"
)

// Bodies that never change.
var (
	bodyHealthy          = []byte(`{"status":"ok"}`)
	bodyReady            = []byte(`{"status":"ready"}`)
	bodyBadRequest       = []byte(`{"error":"bad_request"}`)
	bodyNotFound         = []byte(`{"error":"not_found"}`)
	bodyMethodNotAllowed = []byte(`{"error":"method_not_allowed"}`)
	bodyUnavailable      = []byte(`{"error":"unavailable"}`)
)

type handler struct {
	users    goapi.UserStore
	failures *failureLog
	routes   *chi.Mux
}

// NewHandler returns the API over users. Failures of the store go to log.
func NewHandler(users goapi.UserStore, log *slog.Logger) http.Handler {
	h := &handler{users: users, failures: newFailureLog(log), routes: chi.NewRouter()}
	h.routes.Use(routeDecodedPath)
	h.routes.NotFound(h.notFound)
	h.routes.MethodNotAllowed(h.methodNotAllowed)
	for pattern, serve := range map[string]http.HandlerFunc{
		"/healthz":    h.healthz,
		"/readyz":     h.readyz,
		"/users":      h.listUsers,
		"/users/{id}": h.getUser,
	} {
		h.routes.Get(pattern, serve)
		h.routes.Head(pattern, serve)
	}
	return h.routes
}

// routeDecodedPath lets chi match the decoded path. By itself chi matches the raw path as soon as something in it is
// percent-encoded without need, so that /us%65rs would not be /users. An encoded slash stays encoded: it is part of
// its segment and ends none.
func routeDecodedPath(next http.Handler) http.Handler {
	keepSlash := strings.NewReplacer("%2F", "%252F", "%2f", "%252F")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawPath != "" {
			path, err := url.PathUnescape(keepSlash.Replace(r.URL.RawPath))
			if err != nil { // net/http has refused such paths before
				respond(w, http.StatusBadRequest, bodyBadRequest)
				return
			}
			chi.RouteContext(r.Context()).RoutePath = path
		}
		next.ServeHTTP(w, r)
	})
}

func (h *handler) healthz(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, bodyHealthy)
}

func (h *handler) readyz(w http.ResponseWriter, r *http.Request) {
	if err := h.users.Ready(r.Context()); err != nil {
		h.unavailable(w, r, err)
		return
	}
	respond(w, http.StatusOK, bodyReady)
}

func (h *handler) getUser(w http.ResponseWriter, r *http.Request) {
	id, err := goapi.ParseID(chi.URLParam(r, "id"))
	if err != nil {
		respond(w, http.StatusBadRequest, bodyBadRequest)
		return
	}
	user, err := h.users.User(r.Context(), id)
	switch {
	case errors.Is(err, goapi.ErrNotFound):
		respond(w, http.StatusNotFound, bodyNotFound)
	case err != nil:
		h.unavailable(w, r, err)
	default:
		respondJSON(w, user)
	}
}

func (h *handler) listUsers(w http.ResponseWriter, r *http.Request) {
	page, err := parsePage(r.URL.RawQuery)
	if err != nil {
		respond(w, http.StatusBadRequest, bodyBadRequest)
		return
	}
	users, total, err := h.users.Users(r.Context(), page)
	if err != nil {
		h.unavailable(w, r, err)
		return
	}
	respondJSON(w, pageOf(users, page, total))
}

func (h *handler) notFound(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusNotFound, bodyNotFound)
}

// methodNotAllowed answers a wrong method on a known path. chi also comes here, whatever the path, with a method that
// it has never heard of.
func (h *handler) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	path := chi.RouteContext(r.Context()).RoutePath
	if path == "" {
		path = r.URL.Path
	}
	if !h.routes.Match(chi.NewRouteContext(), http.MethodGet, path) {
		h.notFound(w, r)
		return
	}
	w.Header().Set("Allow", "GET, HEAD")
	respond(w, http.StatusMethodNotAllowed, bodyMethodNotAllowed)
}

func (h *handler) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	h.failures.report(r, err)
	respond(w, http.StatusServiceUnavailable, bodyUnavailable)
}

func respond(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails when the client has gone; no one is left to tell
}
