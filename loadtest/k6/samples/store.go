// Package samples keeps one compact row per HTTP request of a load test in memory and writes all rows to a
// Parquet file once the load is over. It knows nothing of k6.
package samples

import (
	"fmt"
	"syscall"
	"unsafe"
)

// DefaultMaxRows is the number of requests that are kept unless the caller says otherwise: 256 MiB of rows when
// full, which is more than four minutes at 30,000 requests per second.
const DefaultMaxRows = 8 << 20

// RowBytes is the memory that one row takes.
const RowBytes = int(unsafe.Sizeof(row{}))

const (
	maxEndpoints = 1 << 16
	maxPhases    = 1 << 8
)

// Request is what is kept of one HTTP request. Times are in nanoseconds.
type Request struct {
	StartedAt int64  // since the Unix epoch, when the first byte was about to be sent
	Duration  int64  // sending, waiting and receiving: k6's http_req_duration
	Waiting   int64  // from the request sent to the first byte of the answer: k6's http_req_waiting
	Status    int    // HTTP status; 0 when there was no answer
	Endpoint  string // the script's `endpoint` tag, "" without one
	Phase     string // the script's `phase` tag, "" without one
	Failed    bool   // k6's verdict: an unexpected status, or no answer
}

type row struct {
	startedAt int64
	duration  int64
	waiting   int64
	status    uint16
	endpoint  uint16
	phase     uint8
	failed    bool
}

// Store holds rows in the order in which they were added. It is not safe for concurrent use.
type Store struct {
	memory    []byte
	rows      []row // all of memory, seen as rows; the first `used` are filled
	used      int
	dropped   uint64
	endpoints names
	phases    names
}

// NewStore reserves room for maxRows rows. The memory is an anonymous mapping outside Go's heap: it costs nothing
// until a page is first written, and, unlike a heap block of that size, it does not make the garbage collector run
// more rarely than in a k6 that records nothing.
func NewStore(maxRows int) (*Store, error) {
	if maxRows < 1 || maxRows > 1<<40/RowBytes {
		return nil, fmt.Errorf("room for %d rows was asked for; it must be between 1 and %d", maxRows, 1<<40/RowBytes)
	}
	memory, err := syscall.Mmap(-1, 0, maxRows*RowBytes, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("cannot reserve memory for %d rows of %d bytes: %w", maxRows, RowBytes, err)
	}
	return &Store{
		memory:    memory,
		rows:      unsafe.Slice((*row)(unsafe.Pointer(unsafe.SliceData(memory))), maxRows),
		endpoints: newNames(maxEndpoints),
		phases:    newNames(maxPhases),
	}, nil
}

// Add keeps one request. It never blocks and, once every endpoint and phase has been seen, never allocates.
// It returns false when the request was dropped because there is no room (for the row, or for one more distinct
// endpoint or phase); dropped requests are counted.
func (s *Store) Add(r Request) bool {
	if s.used == len(s.rows) {
		s.dropped++
		return false
	}
	endpoint, endpointKnown := s.endpoints.of(r.Endpoint)
	phase, phaseKnown := s.phases.of(r.Phase)
	if !endpointKnown || !phaseKnown {
		s.dropped++
		return false
	}
	s.rows[s.used] = row{
		startedAt: r.StartedAt,
		duration:  r.Duration,
		waiting:   r.Waiting,
		status:    uint16(r.Status),
		endpoint:  endpoint,
		phase:     uint8(phase),
		failed:    r.Failed,
	}
	s.used++
	return true
}

// Rows is the number of requests kept.
func (s *Store) Rows() int { return s.used }

// MaxRows is the number of requests that fit.
func (s *Store) MaxRows() int { return len(s.rows) }

// Dropped is the number of requests that were not kept.
func (s *Store) Dropped() uint64 { return s.dropped }

// request returns the kept request i.
func (s *Store) request(i int) Request {
	r := &s.rows[i]
	return Request{
		StartedAt: r.startedAt,
		Duration:  r.duration,
		Waiting:   r.waiting,
		Status:    int(r.status),
		Endpoint:  s.endpoints.text[r.endpoint],
		Phase:     s.phases.text[r.phase],
		Failed:    r.failed,
	}
}

// Close gives the memory back. The store must not be used after it.
func (s *Store) Close() error {
	memory := s.memory
	s.memory, s.rows, s.used = nil, nil, 0
	return syscall.Munmap(memory)
}
