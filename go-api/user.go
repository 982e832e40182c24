// Package goapi holds the domain of the service: users, their ids, pages of users, and what a store of users must do.
// It knows neither HTTP nor SQL; package http and package postgres depend on it, never the other way round.
package goapi

import (
	"context"
	"errors"
	"time"
)

// Name is the service's name, also what Postgres sees as application_name. Version is its release.
const (
	Name    = "go-api"
	Version = "0.1.0"
)

// ErrNotFound says that no user has the id asked for.
var ErrNotFound = errors.New("user not found")

// A User is one row of the table users. Its JSON is that of the API contract, with the keys in this order.
type User struct {
	ID          ID        `json:"id"`
	Email       string    `json:"email"`
	FullName    string    `json:"full_name"`
	Age         int32     `json:"age"`
	CountryCode string    `json:"country_code"`
	IsActive    bool      `json:"is_active"`
	CreatedAt   time.Time `json:"created_at"` // UTC, whole seconds
}

// Bounds of Page.Limit.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// A Page picks a stretch of the users in id order.
type Page struct {
	Limit  int   // 1 to MaxLimit
	Offset int64 // users to leave out at the front, not negative
}

// A UserStore answers questions about users. Every error but ErrNotFound means that the store is unavailable at the
// moment; the store itself bounds how long an answer may take.
type UserStore interface {
	// Ready returns nil when the store can answer.
	Ready(ctx context.Context) error
	// User returns the user with this id, or ErrNotFound.
	User(ctx context.Context, id ID) (User, error)
	// Users returns the users of a page and the number of all users.
	Users(ctx context.Context, page Page) (users []User, total int64, err error)
}
