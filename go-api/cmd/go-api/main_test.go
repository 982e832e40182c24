package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The test binary is also the program: with this variable set it runs main.
const beMain = "GO_API_TEST_BE_MAIN"

const password = "top-secret"

func TestMain(m *testing.M) {
	if os.Getenv(beMain) != "" {
		main()
	}
	os.Exit(m.Run())
}

// validEnv is an environment with which the service starts. Its database is a port where nothing answers.
func validEnv(databasePort string) map[string]string {
	return map[string]string{
		"HOST":          "127.0.0.1",
		"PORT":          "0", // each test takes a free one
		"DATABASE_URL":  "postgres://someone:" + password + "@127.0.0.1:" + databasePort + "/bench?sslmode=disable",
		"DB_TIMEOUT_MS": "500",
		"DB_MIN_CONNS":  "2",
		"DB_MAX_CONNS":  "2",
		"GOMAXPROCS":    "1",
	}
}

func program(env map[string]string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = []string{beMain + "=1"}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// runProgram runs the program to its end.
func runProgram(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := program(env, args...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errOut.String()
}

func TestVersion(t *testing.T) {
	code, stdout, stderr := runProgram(t, nil, "--version")
	pattern := `\Ago-api \d+\.\d+\.\d+ ` + regexp.QuoteMeta(runtime.Version()) + `\n\z`
	if code != 0 || !regexp.MustCompile(pattern).MatchString(stdout) || stderr != "" {
		t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestUnknownArguments(t *testing.T) {
	for _, args := range [][]string{{"-v"}, {"serve"}, {"--version", "x"}} {
		code, _, stderr := runProgram(t, validEnv("1"), args...)
		if code != 2 || !strings.Contains(stderr, "--version") {
			t.Errorf("%q: exit %d, stderr %q", args, code, stderr)
		}
	}
}

func TestEnvironmentIsChecked(t *testing.T) {
	tests := map[string][]string{
		"HOST":          {""},
		"PORT":          {"", "0", "-1", "65536", "http", "80 "},
		"DATABASE_URL":  {"", "postgres://someone:" + password + "@host:x/db", "user='" + password /* an open quote */},
		"DB_TIMEOUT_MS": {"", "0", "-5", "2s", "1.5"},
		"DB_MIN_CONNS":  {"", "0", "3", "many"}, // 3 is more than DB_MAX_CONNS
		"DB_MAX_CONNS":  {"", "0", "99999999999"},
		"GOMAXPROCS":    {"", "0", "-1", "all"},
	}
	for name, values := range tests {
		for _, value := range values {
			env := validEnv("1")
			env["PORT"] = freePort(t)
			env[name] = value
			code, stdout, stderr := runProgram(t, env)
			if code != 2 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, name) || stdout != "" {
				t.Errorf("%s=%q: exit %d, stdout %q, stderr %q, want exit 2 and one line that names the variable",
					name, value, code, stdout, stderr)
			}
			if strings.Contains(stderr, password) {
				t.Errorf("%s=%q: stderr tells the password: %s", name, value, stderr)
			}
		}
	}
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	env := validEnv("1")
	_, env["PORT"], _ = net.SplitHostPort(taken.Addr().String())
	code, _, stderr := runProgram(t, env)
	if code != 1 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "address already in use") {
		t.Errorf("exit %d, stderr %q", code, stderr)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// A service is the program while it serves.
type service struct {
	cmd *exec.Cmd
	url string

	mu    sync.Mutex
	lines []string // of stderr
	done  chan struct{}
}

func startService(t *testing.T, env map[string]string) *service {
	t.Helper()
	env["PORT"] = freePort(t)
	s := &service{cmd: program(env), url: "http://127.0.0.1:" + env["PORT"], done: make(chan struct{})}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	listening := make(chan struct{})
	go func() {
		defer close(s.done)
		scanner := bufio.NewScanner(stderr)
		for scanner.Scan() {
			s.mu.Lock()
			s.lines = append(s.lines, scanner.Text())
			s.mu.Unlock()
			if strings.Contains(scanner.Text(), "listening") {
				close(listening)
			}
		}
	}()
	select {
	case <-listening:
	case <-s.done:
		t.Fatalf("the service ended: %q", s.stderr())
	}
	return s
}

func (s *service) stderr() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...)
}

// wait waits for the end of the service and checks its log.
func (s *service) wait(t *testing.T) (code int) {
	t.Helper()
	<-s.done
	_ = s.cmd.Wait()
	for _, line := range s.stderr() {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("a line of the log is not JSON: %s", line)
		}
		if strings.Contains(line, password) {
			t.Errorf("the log tells the password: %s", line)
		}
	}
	return s.cmd.ProcessState.ExitCode()
}

func get(url string) (string, error) {
	resp, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return fmt.Sprintf("%d %s", resp.StatusCode, body), err
}

func TestServesWithoutDatabaseAndStops(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		s := startService(t, validEnv(freePort(t)))
		for path, want := range map[string]string{
			"/healthz": `200 {"status":"ok"}`,
			"/readyz":  `503 {"error":"unavailable"}`,
		} {
			if got, err := get(s.url + path); got != want {
				t.Errorf("%s: got %s, %v, want %s", path, got, err, want)
			}
		}
		if err := s.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if code := s.wait(t); code != 0 {
			t.Errorf("%v: exit %d, want 0", signal, code)
		}
	}
}

// TestDrain stops the service while a request waits for a database that accepts connections and says nothing: the
// request still gets its answer, and no new one gets in.
func TestDrain(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	_, databasePort, _ := net.SplitHostPort(silent.Addr().String())
	s := startService(t, validEnv(databasePort))

	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /readyz HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	go func() {
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			answers <- answer{err: err}
			return
		}
		body, err := io.ReadAll(resp.Body)
		answers <- answer{fmt.Sprintf("%d %s", resp.StatusCode, body), err}
	}()
	time.Sleep(100 * time.Millisecond) // let the request reach its handler, which waits for 500 ms

	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := get(s.url + "/healthz"); err != nil {
			break // refused
		}
		if time.Now().After(deadline) {
			t.Fatal("still accepts requests after SIGTERM")
		}
	}
	if got := <-answers; got.text != `503 {"error":"unavailable"}` {
		t.Errorf("request in flight: got %q, %v", got.text, got.err)
	}
	if code := s.wait(t); code != 0 {
		t.Errorf("exit %d, want 0", code)
	}
}
