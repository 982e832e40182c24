package goapi_test

import (
	"regexp"
	"strings"
	"testing"

	goapi "bench-frameworks/go-api"
)

func TestParseID(t *testing.T) {
	const want = "0f3a9c5e-7b21-4d68-8e90-ab12cd34ef56"
	for _, text := range []string{want, strings.ToUpper(want), "0F3a9c5E-7b21-4D68-8e90-aB12cd34ef56"} {
		id, err := goapi.ParseID(text)
		if err != nil {
			t.Errorf("ParseID(%q): %v", text, err)
		} else if id.String() != want {
			t.Errorf("ParseID(%q) = %s, want %s", text, id, want)
		}
	}
}

func TestParseIDRefuses(t *testing.T) {
	for _, text := range []string{
		"",
		"42",
		"0f3a9c5e7b214d688e90ab12cd34ef56",
		"{0f3a9c5e-7b21-4d68-8e90-ab12cd34ef56}",
		"urn:uuid:0f3a9c5e-7b21-4d68-8e90-ab12cd34ef56",
		"0f3a9c5e-7b21-4d68-8e90-ab12cd34ef5",
		"0f3a9c5e-7b21-4d68-8e90-ab12cd34ef567",
		"0f3a9c5e-7b21-4d68-8e90-ab12cd34ef5g",
		"0f3a9c5e_7b21_4d68_8e90_ab12cd34ef56",
		"0f3a9c5-e7b21-4d68-8e90-ab12cd34ef56",
		"0f3a9c5e-7b214-d68-8e90-ab12cd34ef56",
		" 0f3a9c5e-7b21-4d68-8e90-ab12cd34ef5",
		"0f3a9c5e-7b21-4d68-8e90-ab12cd34ef5\n",
		"0f3a9c5e-7b21-4d68-8e90-ab12cd34ef\u00e9",
		"-f3a9c5e-7b21-4d68-8e90-ab12cd34ef56",
	} {
		if id, err := goapi.ParseID(text); err == nil {
			t.Errorf("ParseID(%q) = %s, want an error", text, id)
		}
	}
}

// FuzzParseID checks the parser against the pattern that the contract gives.
func FuzzParseID(f *testing.F) {
	canonical := regexp.MustCompile(`\A[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\z`)
	f.Add("0f3a9c5e-7b21-4d68-8e90-ab12cd34ef56")
	f.Add("0f3a9c5e7b214d688e90ab12cd34ef56")
	f.Add("{0f3a9c5e-7b21-4d68-8e90-ab12cd34ef56}")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := goapi.ParseID(text)
		if got, want := err == nil, canonical.MatchString(text); got != want {
			t.Fatalf("ParseID(%q) accepted: %v, want %v", text, got, want)
		}
		if err == nil && id.String() != strings.ToLower(text) {
			t.Fatalf("ParseID(%q) prints as %s", text, id)
		}
	})
}
