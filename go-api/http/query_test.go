package http

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	goapi "bench-frameworks/go-api"
)

func TestParsePage(t *testing.T) {
	standard := goapi.Page{Limit: 50}
	tests := map[string]goapi.Page{
		"":                                standard,
		"&&":                              standard,
		"=":                               standard,
		"=limit":                          standard,
		"limit=1":                         {Limit: 1},
		"limit=200":                       {Limit: 200},
		"limit=1&offset=2":                {Limit: 1, Offset: 2},
		"offset=2&limit=1":                {Limit: 1, Offset: 2},
		"offset=0":                        standard,
		"offset=9223372036854775807":      {Limit: 50, Offset: 9223372036854775807},
		"limit=0000000000000000000000007": {Limit: 7},
		"offset=00":                       standard,
		"limit=%31%32":                    {Limit: 12},
		"%6Cimit=3":                       {Limit: 3},
		"l%69mit=3&%6fffset=4":            {Limit: 3, Offset: 4},
		// Other keys, however malformed, are none of our business.
		"Limit=0&LIMIT=x":       standard,
		"limit%20=0":            standard,
		"+limit=0":              standard,
		"limit[]=0":             standard,
		"x=%zz&%zz=1&y&=&%":     standard,
		"x;limit=0":             standard,
		"limit;x=1":             standard,
		"x=1;2&limit=3":         {Limit: 3},
		"q=%26limit=0":          standard,
		"limit%00=0":            standard,
		"\xff=\xff&limit=4":     {Limit: 4},
		"%ff=%ff&offset=%30":    standard,
		"limitless=0&offsets=x": standard,
	}
	for query, want := range tests {
		if got, err := parsePage(query); err != nil || got != want {
			t.Errorf("parsePage(%q) = %+v, %v, want %+v", query, got, err, want)
		}
	}
}

func TestParsePageRefuses(t *testing.T) {
	for _, query := range []string{
		"limit", "limit=", "offset", "offset=", "&limit&", "limit&limit=1",
		"limit=0", "limit=201", "limit=000", "limit=99999999999999999999999",
		"offset=9223372036854775808", "offset=18446744073709551616",
		"limit=-1", "limit=+1", "limit=%2B1", "offset=-0", "offset=-1",
		"limit=1+", "limit=+", "limit=%201", "limit=1%20", "limit=1%0a", "limit=1%00",
		"limit=1_0", "limit=1e1", "limit=0x10", "limit=1.0", "limit=1,0", "limit=ten",
		"limit=\u0661", "limit=%D9%A1", "limit=%EF%BC%91", "limit=\uff11", // digits of other scripts
		"limit=%zz", "limit=%", "limit=1%", "limit=1%3", "limit=%ff", "limit=\xff", "limit=1%ff",
		"limit=1&limit=1", "offset=1&offset=1", "limit=1&%6Cimit=1", "limit=1&limit=x", "limit=x&limit=1",
		"limit=1;offset=2", "limit=1;", "limit=1=", "limit==1", "limit=1=1",
		"limit=1&offset=x", "offset=1&limit=x",
	} {
		if got, err := parsePage(query); err == nil {
			t.Errorf("parsePage(%q) = %+v, want an error", query, got)
		}
	}
}

// FuzzParsePage checks what holds for every query: what is accepted is in range, and both numbers are what the only
// pair of that key says, written in ASCII digits.
func FuzzParsePage(f *testing.F) {
	for _, query := range []string{"", "limit=1&offset=2", "%6Cimit=3", "limit", "limit=%31", "x;limit=0", "limit=1&limit=1", "%zz=1"} {
		f.Add(query)
	}
	digits := regexp.MustCompile(`\A[0-9]+\z`)
	f.Fuzz(func(t *testing.T, query string) {
		page, err := parsePage(query)
		if err == nil && (page.Limit < 1 || page.Limit > goapi.MaxLimit || page.Offset < 0) {
			t.Fatalf("parsePage(%q) = %+v, out of range", query, page)
		}
		seen := map[string]int{}
		malformed := false
		for _, pair := range strings.Split(query, "&") {
			rawKey, rawValue, _ := strings.Cut(pair, "=")
			key, keyErr := url.QueryUnescape(rawKey)
			if keyErr != nil || key != "limit" && key != "offset" {
				continue
			}
			seen[key]++
			value, valueErr := url.QueryUnescape(rawValue)
			if valueErr != nil || !digits.MatchString(value) {
				malformed = true
			}
		}
		if bad := malformed || seen["limit"] > 1 || seen["offset"] > 1; bad && err == nil {
			t.Fatalf("parsePage(%q) = %+v, want an error", query, page)
		}
		if len(seen) == 0 && (err != nil || page != goapi.Page{Limit: goapi.DefaultLimit}) {
			t.Fatalf("parsePage(%q) = %+v, %v, want the standard page", query, page, err)
		}
	})
}
