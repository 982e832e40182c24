//! A small HTTP/1.1 client that sends exactly the bytes it is told to and judges nothing.
//!
//! A library client would normalise paths, merge headers, follow redirects and undo chunked encoding: all of it
//! is what the contract is about, so the suite speaks to the socket itself and only borrows a header parser.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// More than any answer of the contract needs; past it a server is answering nonsense.
const MAX_RESPONSE: usize = 64 << 20;
const MAX_HEADERS: usize = 64;

/// What every client of the lab calls itself, the load script too: a service cannot tell them apart by it.
pub const USER_AGENT: &str = "bench";

/// One request, sent as written: nothing is encoded, ordered or added but `Host`, `User-Agent`, `Accept-Encoding` and
/// `Connection`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Method token, for example `GET`.
    pub method: String,
    /// Request target, sent verbatim.
    pub target: String,
    /// Header lines in order, without `Host` and `Connection`.
    pub headers: Vec<(String, String)>,
    /// Bytes after the head; the headers must announce them.
    pub body: Vec<u8>,
    /// Ask the server to close the connection, and read up to its end.
    pub close: bool,
    /// Exactly what the load sends: no `Accept-Encoding`.
    pub plain: bool,
}

impl Request {
    /// A bodiless request with the headers that every client of this suite sends.
    pub fn new(method: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
            close: false,
            plain: false,
        }
    }

    /// A `GET` of `target`.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// A `GET` as the load sends it.
    pub fn as_load(target: impl Into<String>) -> Self {
        Self {
            plain: true,
            ..Self::get(target)
        }
    }

    /// The bytes on the wire.
    pub fn to_bytes(&self, host: SocketAddr) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: {host}\r\n",
            self.method, self.target
        );
        let given = |header: &str| {
            self.headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(header))
        };
        if !given("user-agent") {
            head.push_str(&format!("User-Agent: {USER_AGENT}\r\n"));
        }
        // Asked for on purpose: the contract promises answers without compression.
        if !self.plain && !given("accept-encoding") {
            head.push_str("Accept-Encoding: gzip, deflate, br, zstd\r\n");
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.close {
            head.push_str("Connection: close\r\n");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// The same request as a line for a shell. Long values are shortened, and the line then says so.
    pub fn curl(&self, host: SocketAddr) -> String {
        let mut line = String::from("curl -sS -i --globoff --path-as-is");
        match self.method.as_str() {
            "GET" => {}
            "HEAD" => line.push_str(" --head"),
            other => line.push_str(&format!(" -X {other}")),
        }
        for (name, value) in &self.headers {
            // curl writes these two itself.
            if name.eq_ignore_ascii_case("content-length") && !self.body.is_empty() {
                continue;
            }
            line.push_str(&format!(" -H {}", quote(&format!("{name}: {value}"))));
        }
        if !self.body.is_empty() {
            line.push_str(&format!(
                " --data-binary {}",
                quote(&String::from_utf8_lossy(&self.body))
            ));
        }
        line.push_str(&format!(
            " {}",
            quote(&format!("http://{host}{}", self.target))
        ));
        line
    }
}

fn quote(text: &str) -> String {
    const SHOWN: usize = 400;
    let text = if text.len() > SHOWN {
        let cut = text.floor_char_boundary(SHOWN);
        format!("{}…({} bytes in all)", &text[..cut], text.len())
    } else {
        text.to_owned()
    };
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// How the server delimited the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length` with this value.
    Length(usize),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// Neither: the body ends with the connection.
    UntilClose,
}

/// One answer, as received.
#[derive(Debug, Clone)]
pub struct Response {
    /// Minor version: 1 for HTTP/1.1.
    pub minor_version: u8,
    /// Status code.
    pub status: u16,
    /// Headers in order, names as sent.
    pub headers: Vec<(String, Vec<u8>)>,
    /// How the body was delimited; for an answer to `HEAD`, how a body would have been.
    pub framing: Framing,
    /// Body, chunked encoding undone. Empty for `HEAD`.
    pub body: Vec<u8>,
    /// Bytes after the end of the answer.
    pub excess: Vec<u8>,
    /// The server closed the connection, or said that it will.
    pub closed: bool,
}

impl Response {
    /// All values of the header `name`, lossily as text.
    pub fn header(&self, name: &str) -> Vec<String> {
        self.headers
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    }
}

/// Why there is no answer to judge.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No TCP connection.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// Where to.
        address: SocketAddr,
        /// Cause.
        source: io::Error,
    },
    /// The connection ended before the first byte of an answer.
    #[error("the server closed the connection without an answer")]
    ClosedWithoutAnswer,
    /// The connection ended inside an answer.
    #[error("the server closed the connection inside the answer, after {received} bytes")]
    ClosedInside {
        /// Bytes received so far.
        received: usize,
    },
    /// The time limit passed.
    #[error("no complete answer within {} ms ({received} bytes received)", limit.as_millis())]
    Timeout {
        /// The limit.
        limit: Duration,
        /// Bytes received so far.
        received: usize,
    },
    /// What came back isn't HTTP/1.
    #[error("the answer is not valid HTTP/1: {0}")]
    Malformed(String),
    /// Reading or writing failed otherwise.
    #[error("connection failed: {0}")]
    Io(#[from] io::Error),
}

/// One TCP connection, kept alive between requests where both sides allow it.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
    timeout: Duration,
}

impl Connection {
    /// Connects; `timeout` is the limit for the connection and for every answer.
    ///
    /// # Errors
    /// [`HttpError::Connect`] where nobody listens.
    pub fn open(address: SocketAddr, timeout: Duration) -> Result<Self, HttpError> {
        let connect = |source| HttpError::Connect { address, source };
        let stream = TcpStream::connect_timeout(&address, timeout).map_err(connect)?;
        stream.set_nodelay(true).map_err(connect)?;
        Ok(Self {
            address,
            stream,
            buffer: Vec::new(),
            timeout,
        })
    }

    /// Sends `request` and reads its answer.
    ///
    /// # Errors
    /// Every way of not getting a complete HTTP answer in time.
    pub fn exchange(&mut self, request: &Request) -> Result<Response, HttpError> {
        self.send(request)?;
        self.receive(request)
    }

    /// Sends `request` only: for tests that do something while it is under way.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send(&mut self, request: &Request) -> Result<(), HttpError> {
        self.buffer.clear();
        self.send_bytes(&request.to_bytes(self.address))
    }

    /// Sends bytes as they are: for clients that do not behave.
    ///
    /// # Errors
    /// When the connection is gone in a way that leaves no answer to read.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), HttpError> {
        self.stream.set_write_timeout(Some(self.timeout))?;
        match self.stream.write_all(bytes) {
            // A server may answer and close before it read all of a request; the answer decides.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
                ) =>
            {
                Ok(())
            }
            other => Ok(other?),
        }
    }

    /// Tells the server that nothing more will come, and goes on listening.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn end_of_sending(&mut self) -> Result<(), HttpError> {
        match self.stream.shutdown(std::net::Shutdown::Write) {
            // The server was quicker.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            other => Ok(other?),
        }
    }

    /// Reads the answer to `request`, sent before.
    ///
    /// # Errors
    /// As [`Connection::exchange`].
    pub fn receive(&mut self, request: &Request) -> Result<Response, HttpError> {
        let deadline = Instant::now() + self.timeout;
        let (mut response, head_length) = self.read_head(deadline)?;
        self.buffer.drain(..head_length);
        let bodiless = request.method == "HEAD" || matches!(response.status, 204 | 304);
        if !bodiless {
            response.body = match response.framing {
                Framing::Length(length) => {
                    while self.buffer.len() < length {
                        self.must_fill(deadline)?;
                    }
                    self.buffer.drain(..length).collect()
                }
                Framing::Chunked => self.read_chunks(deadline)?,
                Framing::UntilClose => {
                    while self.fill(deadline)? {}
                    response.closed = true;
                    std::mem::take(&mut self.buffer)
                }
            };
        }
        if request.close && response.framing != Framing::UntilClose {
            while self.fill(deadline)? {}
            response.closed = true;
        }
        response.excess = std::mem::take(&mut self.buffer);
        Ok(response)
    }

    /// True where the server has closed an idle connection, or has sent something unasked.
    pub fn is_stale(&mut self) -> bool {
        let mut byte = [0_u8; 1];
        if self.stream.set_nonblocking(true).is_err() {
            return true;
        }
        let quiet = matches!(self.stream.peek(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        self.stream.set_nonblocking(false).is_err() || !quiet
    }

    fn read_head(&mut self, deadline: Instant) -> Result<(Response, usize), HttpError> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut parsed = httparse::Response::new(&mut headers);
            let status = parsed
                .parse(&self.buffer)
                .map_err(|error| HttpError::Malformed(describe(&error, &self.buffer)))?;
            if let httparse::Status::Complete(length) = status {
                let response = to_response(&parsed)?;
                // 100 Continue and its like are not the answer.
                if (100..200).contains(&response.status) {
                    self.buffer.drain(..length);
                    continue;
                }
                return Ok((response, length));
            }
            if !self.fill(deadline)? {
                return Err(if self.buffer.is_empty() {
                    HttpError::ClosedWithoutAnswer
                } else {
                    HttpError::ClosedInside {
                        received: self.buffer.len(),
                    }
                });
            }
        }
    }

    fn read_chunks(&mut self, deadline: Instant) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        loop {
            let (start, size) = loop {
                match httparse::parse_chunk_size(&self.buffer)
                    .map_err(|_| HttpError::Malformed("invalid chunk size".to_owned()))?
                {
                    httparse::Status::Complete(found) => break found,
                    httparse::Status::Partial => self.must_fill(deadline)?,
                }
            };
            let size = usize::try_from(size)
                .ok()
                .filter(|size| *size <= MAX_RESPONSE)
                .ok_or_else(|| HttpError::Malformed("chunk too long".to_owned()))?;
            while self.buffer.len() < start + size + 2 {
                self.must_fill(deadline)?;
            }
            body.extend_from_slice(&self.buffer[start..start + size]);
            self.buffer.drain(..start + size + 2);
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn must_fill(&mut self, deadline: Instant) -> Result<(), HttpError> {
        if self.fill(deadline)? {
            Ok(())
        } else {
            Err(HttpError::ClosedInside {
                received: self.buffer.len(),
            })
        }
    }

    /// Reads more; false at the end of the connection.
    fn fill(&mut self, deadline: Instant) -> Result<bool, HttpError> {
        let timeout = || HttpError::Timeout {
            limit: self.timeout,
            received: self.buffer.len(),
        };
        let left = deadline
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
            .ok_or_else(timeout)?;
        self.stream.set_read_timeout(Some(left))?;
        let mut chunk = [0_u8; 16 << 10];
        match self.stream.read(&mut chunk) {
            Ok(0) => Ok(false),
            Ok(count) if self.buffer.len() + count > MAX_RESPONSE => Err(HttpError::Malformed(
                format!("more than {MAX_RESPONSE} bytes"),
            )),
            Ok(count) => {
                self.buffer.extend_from_slice(&chunk[..count]);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(false),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                Err(timeout())
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn describe(error: &httparse::Error, received: &[u8]) -> String {
    let start: String = received
        .iter()
        .take(60)
        .map(|byte| char::from(*byte))
        .collect();
    format!("{error} in {start:?}")
}

fn to_response(parsed: &httparse::Response<'_, '_>) -> Result<Response, HttpError> {
    let headers: Vec<(String, Vec<u8>)> = parsed
        .headers
        .iter()
        .map(|header| (header.name.to_owned(), header.value.to_vec()))
        .collect();
    let mut response = Response {
        minor_version: parsed.version.unwrap_or_default(),
        status: parsed.code.unwrap_or_default(),
        headers,
        framing: Framing::UntilClose,
        body: Vec::new(),
        excess: Vec::new(),
        closed: false,
    };
    let chunked = response
        .header("transfer-encoding")
        .iter()
        .any(|value| value.to_ascii_lowercase().contains("chunked"));
    if chunked {
        response.framing = Framing::Chunked;
    } else if let Some(value) = response.header("content-length").first() {
        let length = value
            .trim()
            .parse::<usize>()
            .ok()
            .filter(|length| *length <= MAX_RESPONSE)
            .ok_or_else(|| HttpError::Malformed(format!("Content-Length: {value:?}")))?;
        response.framing = Framing::Length(length);
    }
    response.closed = response
        .header("connection")
        .iter()
        .any(|value| value.eq_ignore_ascii_case("close"));
    Ok(response)
}
