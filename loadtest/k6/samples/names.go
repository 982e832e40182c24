package samples

import "strings"

// names gives every distinct text (an endpoint, a phase) a small number, so that a row holds the number.
// Looking up a known text allocates nothing.
type names struct {
	number map[string]uint16
	text   []string
	limit  int
}

func newNames(limit int) names {
	return names{number: make(map[string]uint16, 64), limit: limit}
}

// of returns the number of text, and false when text is new and all numbers are taken.
func (n *names) of(text string) (uint16, bool) {
	if number, ok := n.number[text]; ok {
		return number, true
	}
	if len(n.text) >= n.limit {
		return 0, false
	}
	text = strings.Clone(text) // the caller's text may be a piece of a large one
	number := uint16(len(n.text))
	n.number[text] = number
	n.text = append(n.text, text)
	return number, true
}
