package postgres

import (
	"errors"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
)

// A fakeServer speaks as much of the PostgreSQL protocol as the store uses. It counts connections and round trips, and
// it can be stopped, restarted and made to hang, so that these tests need no database.
type fakeServer struct {
	t    *testing.T
	addr string

	mu       sync.Mutex
	listener net.Listener // nil when stopped
	conns    map[net.Conn]*fakeConn
	peak     int // most connections open at a time
	accepted int // sessions ever opened
	// Round trips of sessions after their start: prepare counts Parse, exec counts Execute, simple counts Query.
	prepare, exec, simple, sync int
	resume                      chan struct{} // not nil while the server hangs
}

// fakeConn is one session.
type fakeConn struct {
	appName  string
	prepared map[string]string // name to SQL
}

func newFakeServer(t *testing.T) *fakeServer {
	s := &fakeServer{t: t, conns: map[net.Conn]*fakeConn{}}
	s.start("127.0.0.1:0")
	t.Cleanup(s.stop)
	return s
}

func (s *fakeServer) url() string {
	return "postgres://someone:topsecret@" + s.addr + "/bench?sslmode=disable"
}

func (s *fakeServer) start(addr string) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	s.listener, s.addr = listener, listener.Addr().String()
	s.mu.Unlock()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
}

func (s *fakeServer) restart() { s.start(s.addr) }

// stop closes the listener and all sessions.
func (s *fakeServer) stop() {
	s.proceed()
	s.mu.Lock()
	if s.listener != nil {
		s.listener.Close()
		s.listener = nil
	}
	s.mu.Unlock()
	s.killSessions()
}

func (s *fakeServer) killSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		conn.Close()
	}
}

// hang lets the server accept and read but not answer, until proceed.
func (s *fakeServer) hang() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resume = make(chan struct{})
}

func (s *fakeServer) proceed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resume != nil {
		close(s.resume)
		s.resume = nil
	}
}

func (s *fakeServer) waitWhileHanging() {
	s.mu.Lock()
	resume := s.resume
	s.mu.Unlock()
	if resume != nil {
		<-resume
	}
}

type counts struct{ open, peak, accepted, prepare, exec, simple, sync int }

func (s *fakeServer) counts() counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return counts{len(s.conns), s.peak, s.accepted, s.prepare, s.exec, s.simple, s.sync}
}

func (s *fakeServer) sessions() []fakeConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []fakeConn
	for _, c := range s.conns {
		all = append(all, *c)
	}
	return all
}

func (s *fakeServer) serve(conn net.Conn) {
	defer conn.Close()
	backend := pgproto3.NewBackend(conn, conn)
	startup, err := backend.ReceiveStartupMessage()
	if err != nil {
		return
	}
	s.waitWhileHanging()
	message, ok := startup.(*pgproto3.StartupMessage)
	if !ok {
		return // a cancel request
	}
	session := &fakeConn{appName: message.Parameters["application_name"], prepared: map[string]string{}}
	s.mu.Lock()
	if s.listener == nil {
		s.mu.Unlock()
		return
	}
	s.conns[conn] = session
	s.accepted++
	s.peak = max(s.peak, len(s.conns))
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	}()

	backend.Send(&pgproto3.AuthenticationOk{})
	backend.Send(&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: []byte{0, 0, 0, 1}})
	backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if backend.Flush() != nil {
		return
	}
	var bound string
	for {
		message, err := backend.Receive()
		if err != nil {
			return
		}
		s.waitWhileHanging()
		if err := s.answer(backend, session, &bound, message); err != nil {
			return
		}
	}
}

var errTerminated = errors.New("client said goodbye")

func (s *fakeServer) answer(backend *pgproto3.Backend, session *fakeConn, bound *string, message pgproto3.FrontendMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m := message.(type) {
	case *pgproto3.Parse:
		s.prepare++
		session.prepared[m.Name] = m.Query
		backend.Send(&pgproto3.ParseComplete{})
	case *pgproto3.Describe:
		result := results[session.prepared[m.Name]]
		backend.Send(&pgproto3.ParameterDescription{ParameterOIDs: result.params})
		backend.Send(&pgproto3.RowDescription{Fields: result.fields})
	case *pgproto3.Bind:
		*bound = session.prepared[m.PreparedStatement]
		backend.Send(&pgproto3.BindComplete{})
	case *pgproto3.Execute:
		s.exec++
		result := results[*bound]
		for _, row := range result.rows {
			backend.Send(&pgproto3.DataRow{Values: row})
		}
		backend.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
	case *pgproto3.Sync:
		s.sync++
		backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		return backend.Flush()
	case *pgproto3.Query:
		s.simple++
		backend.Send(&pgproto3.EmptyQueryResponse{})
		backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		return backend.Flush()
	case *pgproto3.Terminate:
		return errTerminated
	}
	return nil
}

// A result is what the fake answers to a statement.
type result struct {
	params []uint32
	fields []pgproto3.FieldDescription
	rows   [][][]byte
}

var results = map[string]result{
	ready.sql:      {fields: fields(pgtype.Int4OID), rows: rows([]any{int32(1)}, pgtype.Int4OID)},
	countUsers.sql: {fields: fields(pgtype.Int8OID), rows: rows([]any{int64(1)}, pgtype.Int8OID)},
	getUser.sql: {
		params: []uint32{pgtype.UUIDOID}, fields: fields(userOIDs...), rows: rows(userRow, userOIDs...),
	},
	listUsers.sql: {
		params: []uint32{pgtype.Int8OID, pgtype.Int8OID}, fields: fields(userOIDs...), rows: rows(userRow, userOIDs...),
	},
}

var (
	userOIDs = []uint32{
		pgtype.UUIDOID, pgtype.TextOID, pgtype.TextOID, pgtype.Int4OID, pgtype.TextOID, pgtype.BoolOID, pgtype.TimestamptzOID,
	}
	userRow = []any{[16]byte(ada.ID), ada.Email, ada.FullName, ada.Age, ada.CountryCode, ada.IsActive, ada.CreatedAt}
)

func fields(oids ...uint32) []pgproto3.FieldDescription {
	var all []pgproto3.FieldDescription
	for _, oid := range oids {
		all = append(all, pgproto3.FieldDescription{Name: []byte("column"), DataTypeOID: oid})
	}
	return all
}

func rows(values []any, oids ...uint32) [][][]byte {
	types := pgtype.NewMap()
	var row [][]byte
	for i, value := range values {
		data, err := types.Encode(oids[i], pgtype.BinaryFormatCode, value, nil)
		if err != nil {
			panic(err)
		}
		row = append(row, slices.Clone(data))
	}
	return [][][]byte{row}
}
