package http

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	goapi "bench-frameworks/go-api"
)

var errBadPage = errors.New("limit or offset is malformed, out of range or repeated")

// parsePage reads limit and offset from the query of a request. It does not use url.ParseQuery, which drops pairs that
// contain a semicolon and does not tell "limit" from "limit=".
func parsePage(rawQuery string) (goapi.Page, error) {
	page := goapi.Page{Limit: goapi.DefaultLimit}
	var haveLimit, haveOffset bool
	for pair := range strings.SplitSeq(rawQuery, "&") {
		rawKey, rawValue, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(rawKey)
		if err != nil {
			continue // not our key, whatever it is
		}
		switch key {
		case "limit":
			n, err := parseNumber(rawValue)
			if err != nil || haveLimit || n < 1 || n > goapi.MaxLimit {
				return goapi.Page{}, errBadPage
			}
			page.Limit, haveLimit = int(n), true
		case "offset":
			n, err := parseNumber(rawValue)
			if err != nil || haveOffset {
				return goapi.Page{}, errBadPage
			}
			page.Offset, haveOffset = n, true
		}
	}
	return page, nil
}

// parseNumber reads one or more ASCII digits as a number from 0 to 2^63-1, leading zeros allowed.
func parseNumber(rawValue string) (int64, error) {
	value, err := url.QueryUnescape(rawValue)
	if err != nil {
		return 0, err
	}
	// ParseUint takes no sign, and underscores only where the base is 0.
	n, err := strconv.ParseUint(value, 10, 63)
	return int64(n), err
}
