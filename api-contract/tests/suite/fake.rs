//! A service in this process, written from the contract alone; it shares no code with the suite. A `Mutant` makes
//! it wrong in one way.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use api_contract::User;

/// One way of being wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutant {
    None,
    // Bodies
    ByteMissing,
    NewlineAtEnd,
    NewlineAfterEnd,
    SpacesInJson,
    KeysSorted,
    EscapesHtml,
    EscapesNonAscii,
    OffsetInsteadOfZ,
    Fraction,
    IdAsAsked,
    OrderedByNumber,
    TotalOfPage,
    OneUserWrong,
    LastRowMissing,
    // Heads
    Charset,
    TextPlain404,
    Chunked,
    NoContentLength,
    TwoContentLengths,
    ETag,
    PoweredBy,
    Http10,
    AllowMissing,
    AllowGetOnly,
    AllowOtherOrder,
    AllowEverywhere,
    HeadWithBody,
    HeadLengthZero,
    HeadNotAllowed,
    // Paths
    RedirectsSlash,
    IgnoresLastSlash,
    MergesSlashes,
    IgnoresCase,
    ResolvesDots,
    DecodesBeforeSplitting,
    DecodesNotAtAll,
    DecodesTwice,
    FrameworkNotFound,
    ServesDocs,
    BadEscape404,
    // Ids
    Status422,
    IdWithoutHyphens,
    IdInBraces,
    IdUrn,
    IdTrimmed,
    IdCaseSensitive,
    IdAnyLength,
    // Methods
    MethodAfterId,
    MethodAfterQuery,
    Options204,
    MethodBeforePath,
    PostReadsJson,
    // Numbers
    Underscores,
    Trims,
    PlusSign,
    UnicodeDigits,
    Hexadecimal,
    Exponent,
    LineEndAfter,
    Clamps,
    ZeroLimit,
    NegativeIsZero,
    WrapsAround,
    Offset32,
    NoLeadingZeros,
    LengthLimited,
    // Pairs
    EmptyIsDefault,
    LastWins,
    Semicolons,
    StrictEscapes,
    LossyUtf8,
    RefusesUnknown,
    KeysIgnoreCase,
    KeysNotDecoded,
    QueryDecodesTwice,
    PlusIsPlus,
    QueryEverywhere,
    // Connections
    ClosesAfter404,
    ClosesAlways,
    IgnoresBodies,
    NoKeepAliveEnd,
    Ranges,
    NotModified,
    Compresses,
    Cors,
    Overrides,
    Negotiates,
    ReadyLikeHealth,
}

pub struct Fake {
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl Fake {
    pub fn start(users: Vec<User>, mutant: Mutant) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let service = Arc::new(Service::new(users, mutant));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let service = Arc::clone(&service);
                thread::spawn(move || service.serve(stream));
            }
        });
        Self { address, stop }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

struct Call {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

struct Reply {
    status: u16,
    body: String,
    headers: Vec<(&'static str, String)>,
}

fn reply(status: u16, body: impl Into<String>) -> Reply {
    Reply {
        status,
        body: body.into(),
        headers: Vec::new(),
    }
}

fn error(status: u16, name: &str) -> Reply {
    reply(status, format!(r#"{{"error":"{name}"}}"#))
}

struct Service {
    users: Vec<User>,
    sorted: Vec<User>,
    mutant: Mutant,
}

impl Service {
    fn new(users: Vec<User>, mutant: Mutant) -> Self {
        let mut sorted = users.clone();
        if mutant != Mutant::OrderedByNumber {
            sorted.sort_by(|left, right| left.id.cmp(&right.id));
        }
        Self {
            users,
            sorted,
            mutant,
        }
    }

    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == mutant
    }

    // --- connections -------------------------------------------------------------------------------------------

    fn serve(&self, stream: TcpStream) {
        stream.set_nodelay(true).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let mut reader = BufReader::new(stream);
        while let Some(call) = self.read(&mut reader) {
            let mut reply = self.answer(&call);
            let asked_to_close = call.headers.get("connection").is_some_and(|v| v == "close");
            let announce = asked_to_close || self.is(Mutant::ClosesAlways);
            let silent = self.is(Mutant::ClosesAfter404) && reply.status == 404;
            if announce {
                reply.headers.push(("Connection", "close".to_owned()));
            }
            if writer.write_all(&self.render(&call, reply)).is_err() {
                return;
            }
            if announce || silent {
                if self.is(Mutant::NoKeepAliveEnd) {
                    // Left open; the client waits for an end that comes late.
                    thread::sleep(std::time::Duration::from_secs(2));
                }
                let _ = writer.shutdown(Shutdown::Both);
                return;
            }
        }
    }

    fn read(&self, reader: &mut BufReader<TcpStream>) -> Option<Call> {
        let mut line = String::new();
        let mut next = |reader: &mut BufReader<TcpStream>| {
            let mut bytes = Vec::new();
            reader.read_until(b'\n', &mut bytes).ok()?;
            line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            (!bytes.is_empty()).then(|| line.clone())
        };
        let first = next(reader)?;
        let mut words = first.split(' ');
        let method = words.next()?.to_owned();
        let target = words.next()?.to_owned();
        let mut headers = BTreeMap::new();
        loop {
            let line = next(reader)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let mut body = Vec::new();
        if self.is(Mutant::IgnoresBodies) {
            // What follows will be taken for a request.
        } else if let Some(length) = headers.get("content-length") {
            body.resize(length.parse().ok()?, 0);
            reader.read_exact(&mut body).ok()?;
        } else if headers.contains_key("transfer-encoding") {
            while next(reader)? != "0" {
                next(reader)?;
            }
            next(reader)?;
        }
        Some(Call {
            method,
            target,
            headers,
            body,
        })
    }

    fn render(&self, call: &Call, mut reply: Reply) -> Vec<u8> {
        let head = call.method == "HEAD";
        match self.mutant {
            Mutant::ByteMissing => {
                reply.body.pop();
            }
            Mutant::NewlineAtEnd => reply.body.push('\n'),
            Mutant::SpacesInJson => reply.body = reply.body.replace(':', ": "),
            Mutant::EscapesHtml => {
                for (raw, escaped) in [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026")] {
                    reply.body = reply.body.replace(raw, escaped);
                }
            }
            Mutant::EscapesNonAscii => {
                let mut units = [0; 2];
                reply.body = reply
                    .body
                    .chars()
                    .map(|letter| {
                        if letter.is_ascii() {
                            letter.to_string()
                        } else {
                            let units = letter.encode_utf16(&mut units);
                            units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
                        }
                    })
                    .collect();
            }
            Mutant::OffsetInsteadOfZ => {
                reply.body = reply.body.replace("Z\"}", "+00:00\"}");
            }
            Mutant::Fraction => reply.body = reply.body.replace("Z\"}", ".000Z\"}"),
            Mutant::ETag => reply.headers.push(("ETag", "\"1\"".to_owned())),
            Mutant::PoweredBy => reply.headers.push(("X-Powered-By", "fake".to_owned())),
            Mutant::AllowEverywhere if reply.status != 405 => {
                reply.headers.push(("Allow", "GET, HEAD".to_owned()));
            }
            _ => {}
        }
        let version = if self.is(Mutant::Http10) {
            "1.0"
        } else {
            "1.1"
        };
        let plain = self.is(Mutant::TextPlain404) && reply.status == 404;
        let content_type = match self.mutant {
            Mutant::Charset => "application/json; charset=utf-8",
            _ if plain => "text/plain",
            _ => "application/json",
        };
        let mut text = format!(
            "HTTP/{version} {} Some Words\r\ncontent-type: {content_type}\r\nDate: today\r\nServer: fake\r\n",
            reply.status
        );
        let length = if head && self.is(Mutant::HeadLengthZero) {
            0
        } else {
            reply.body.len()
        };
        if self.is(Mutant::Chunked) {
            text.push_str("Transfer-Encoding: chunked\r\n");
            reply.body = format!("{:x}\r\n{}\r\n0\r\n\r\n", reply.body.len(), reply.body);
        } else if !(self.is(Mutant::NoContentLength) && head) {
            text.push_str(&format!("Content-Length: {length}\r\n"));
        }
        if self.is(Mutant::TwoContentLengths) {
            text.push_str(&format!("Content-Length: {length}\r\n"));
        }
        for (name, value) in reply.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        if !head || self.is(Mutant::HeadWithBody) {
            text.push_str(&reply.body);
        }
        if self.is(Mutant::NewlineAfterEnd) {
            text.push('\n');
        }
        text.into_bytes()
    }

    // --- routes ------------------------------------------------------------------------------------------------

    fn answer(&self, call: &Call) -> Reply {
        let (path, query) = match call.target.split_once('?') {
            Some((path, query)) => (path, query),
            None => (call.target.as_str(), ""),
        };
        let has_query = call.target.contains('?');
        let path = match self.mutant {
            Mutant::DecodesBeforeSplitting => decode_lossy(path),
            Mutant::IgnoresCase => path.to_ascii_lowercase(),
            Mutant::MergesSlashes => {
                let mut merged = path.to_owned();
                while merged.contains("//") {
                    merged = merged.replace("//", "/");
                }
                merged
            }
            Mutant::IgnoresLastSlash => path.strip_suffix('/').unwrap_or(path).to_owned(),
            Mutant::ResolvesDots => resolve_dots(path),
            _ => path.to_owned(),
        };
        if self.is(Mutant::RedirectsSlash) && path.len() > 1 && path.ends_with('/') {
            let mut redirect = reply(307, "");
            let target = path.trim_end_matches('/').to_owned();
            redirect.headers.push(("Location", target));
            return redirect;
        }
        let Some(segments) = self.segments(&path) else {
            return match self.mutant {
                Mutant::BadEscape404 => error(404, "not_found"),
                _ => error(400, "bad_request"),
            };
        };
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["healthz"] => self.allowed(call, || reply(200, r#"{"status":"ok"}"#)),
            ["readyz"] => self.allowed(call, || {
                if self.is(Mutant::QueryEverywhere) && !query.is_empty() {
                    return error(400, "bad_request");
                }
                if self.is(Mutant::ReadyLikeHealth) {
                    return reply(200, r#"{"status":"ok"}"#);
                }
                reply(200, r#"{"status":"ready"}"#)
            }),
            ["users"] => {
                let page = || {
                    let query = if has_query { query } else { "" };
                    self.page(query)
                };
                if self.is(Mutant::MethodAfterQuery) && page().status == 400 {
                    return page();
                }
                let mut answer = self.allowed(call, page);
                self.heed_headers(call, &mut answer);
                answer
            }
            ["users", id] if !id.is_empty() => {
                if self.is(Mutant::MethodAfterId) && self.parse_id(id).is_none() {
                    return error(400, "bad_request");
                }
                self.allowed(call, || self.user(id))
            }
            ["docs"] if self.is(Mutant::ServesDocs) => reply(200, "{}"),
            _ if self.is(Mutant::MethodBeforePath)
                && !matches!(call.method.as_str(), "GET" | "HEAD") =>
            {
                self.not_allowed()
            }
            _ if self.is(Mutant::FrameworkNotFound) => reply(404, r#"{"detail":"Not Found"}"#),
            _ => error(404, "not_found"),
        }
    }

    fn segments(&self, path: &str) -> Option<Vec<String>> {
        let raw = path.strip_prefix('/').unwrap_or(path).split('/');
        raw.map(|segment| match self.mutant {
            Mutant::DecodesNotAtAll | Mutant::DecodesBeforeSplitting => Some(segment.to_owned()),
            Mutant::DecodesTwice => Some(decode_lossy(&decode_lossy(segment))),
            _ => {
                let bytes = decode(segment)?;
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
        })
        .collect()
    }

    fn allowed(&self, call: &Call, right: impl FnOnce() -> Reply) -> Reply {
        let overridden =
            self.is(Mutant::Overrides) && call.headers.contains_key("x-http-method-override");
        match call.method.as_str() {
            _ if overridden => self.not_allowed(),
            "HEAD" if self.is(Mutant::HeadNotAllowed) => self.not_allowed(),
            "GET" | "HEAD" => right(),
            "OPTIONS" if self.is(Mutant::Options204) => reply(204, ""),
            "POST" if self.is(Mutant::PostReadsJson) && call.body.starts_with(b"{\"na") => {
                error(400, "bad_request")
            }
            _ => self.not_allowed(),
        }
    }

    fn not_allowed(&self) -> Reply {
        let mut answer = error(405, "method_not_allowed");
        let allow = match self.mutant {
            Mutant::AllowMissing => return answer,
            Mutant::AllowGetOnly => "GET",
            Mutant::AllowOtherOrder => "HEAD, GET",
            _ => "GET, HEAD",
        };
        answer.headers.push(("Allow", allow.to_owned()));
        answer
    }

    fn heed_headers(&self, call: &Call, answer: &mut Reply) {
        let asked = |name: &str| call.headers.contains_key(name);
        match self.mutant {
            Mutant::Ranges if asked("range") => {
                answer.status = 206;
                answer.body.truncate(4);
            }
            Mutant::NotModified if asked("if-none-match") => *answer = reply(304, ""),
            Mutant::Compresses if asked("accept-encoding") => {
                answer.headers.push(("Content-Encoding", "gzip".to_owned()));
            }
            Mutant::Cors if asked("origin") => {
                answer
                    .headers
                    .push(("Access-Control-Allow-Origin", "*".to_owned()));
            }
            Mutant::Negotiates if call.headers.get("accept").is_some_and(|v| v == "text/html") => {
                *answer = error(406, "not_acceptable");
            }
            _ => {}
        }
    }

    // --- one user ----------------------------------------------------------------------------------------------

    fn user(&self, id: &str) -> Reply {
        let Some(wanted) = self.parse_id(id) else {
            let status = if self.is(Mutant::Status422) { 422 } else { 400 };
            return error(status, "bad_request");
        };
        match self.users.iter().position(|user| user.id == wanted) {
            Some(index) => {
                let mut user = self.users[index].clone();
                if self.is(Mutant::IdAsAsked) {
                    id.clone_into(&mut user.id);
                }
                if self.is(Mutant::OneUserWrong) && index == 300 {
                    user.age += 1;
                }
                reply(200, self.user_json(&user))
            }
            None => error(404, "not_found"),
        }
    }

    fn parse_id(&self, id: &str) -> Option<String> {
        let id = match self.mutant {
            Mutant::IdInBraces => id.trim_matches(['{', '}']),
            Mutant::IdUrn => id.trim_start_matches("urn:uuid:"),
            Mutant::IdTrimmed => id.trim(),
            _ => id,
        };
        let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if self.is(Mutant::IdWithoutHyphens) && id.len() == 32 && hex(id) {
            return Some(format!(
                "{}-{}-{}-{}-{}",
                &id[..8],
                &id[8..12],
                &id[12..16],
                &id[16..20],
                &id[20..]
            ));
        }
        if self.is(Mutant::IdCaseSensitive) && id.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let parts: Vec<&str> = id.split('-').collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        let any_length = self.is(Mutant::IdAnyLength) && parts.len() == 5;
        (parts.iter().all(|part| hex(part)) && (any_length || lengths == [8, 4, 4, 4, 12]))
            .then(|| id.to_ascii_lowercase())
    }

    fn user_json(&self, user: &User) -> String {
        let id = format!(r#""id":{}"#, text(&user.id));
        let email = format!(r#""email":{}"#, text(&user.email));
        let name = format!(r#""full_name":{}"#, text(&user.full_name));
        let age = format!(r#""age":{}"#, user.age);
        let country = format!(r#""country_code":{}"#, text(&user.country_code));
        let active = format!(r#""is_active":{}"#, user.is_active);
        let created = format!(r#""created_at":{}"#, text(&user.created_at));
        let mut keys = [id, email, name, age, country, active, created];
        if self.is(Mutant::KeysSorted) {
            keys.sort();
        }
        format!("{{{}}}", keys.join(","))
    }

    // --- a page ------------------------------------------------------------------------------------------------

    fn page(&self, query: &str) -> Reply {
        let Some((limit, offset)) = self.parse_query(query) else {
            return error(400, "bad_request");
        };
        let total = self.sorted.len();
        let start = usize::try_from(offset).unwrap_or(total).min(total);
        let end = start
            .saturating_add(usize::try_from(limit).unwrap())
            .min(total);
        let end = if self.is(Mutant::LastRowMissing) && end == total && end > start {
            end - 1
        } else {
            end
        };
        let items: Vec<String> = self.sorted[start..end]
            .iter()
            .map(|user| self.user_json(user))
            .collect();
        let total = if self.is(Mutant::TotalOfPage) {
            items.len()
        } else {
            total
        };
        reply(
            200,
            format!(
                r#"{{"items":[{}],"limit":{limit},"offset":{offset},"total":{total}}}"#,
                items.join(",")
            ),
        )
    }

    fn parse_query(&self, query: &str) -> Option<(u64, u64)> {
        let separators: &[char] = if self.is(Mutant::Semicolons) {
            &['&', ';']
        } else {
            &['&']
        };
        let mut found: BTreeMap<&str, Option<String>> = BTreeMap::new();
        for pair in query.split(separators) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let key = self.decode_key(key);
            if key.is_none() && self.is(Mutant::StrictEscapes) {
                return None;
            }
            let key = match key.as_deref() {
                Some("limit") => "limit",
                Some("offset") => "offset",
                Some(other) if self.is(Mutant::RefusesUnknown) && !other.is_empty() => {
                    return None;
                }
                _ => continue,
            };
            let value = self.decode_value(value);
            if found.contains_key(key) && !self.is(Mutant::LastWins) {
                return None;
            }
            found.insert(key, value);
        }
        let mut number =
            |key: &str, default: u64, smallest: u64, largest: u64| match found.remove(key) {
                None => Some(default),
                Some(Some(value)) if value.is_empty() && self.is(Mutant::EmptyIsDefault) => {
                    Some(default)
                }
                Some(value) => self.number(&value?, smallest, largest),
            };
        let smallest = u64::from(!self.is(Mutant::ZeroLimit));
        let limit = number("limit", 50, smallest, 200)?;
        let largest = if self.is(Mutant::Offset32) {
            u64::from(u32::MAX)
        } else {
            i64::MAX.unsigned_abs()
        };
        Some((limit, number("offset", 0, 0, largest)?))
    }

    fn decode_key(&self, key: &str) -> Option<String> {
        if self.is(Mutant::KeysNotDecoded) {
            return Some(key.to_owned());
        }
        let bytes = decode(&key.replace('+', " "))?;
        let mut key = String::from_utf8(bytes).ok()?;
        if self.is(Mutant::QueryDecodesTwice) {
            key = decode_lossy(&key);
        }
        if self.is(Mutant::KeysIgnoreCase) {
            key.make_ascii_lowercase();
        }
        Some(key)
    }

    fn decode_value(&self, value: &str) -> Option<String> {
        let spaced = if self.is(Mutant::PlusIsPlus) {
            value.to_owned()
        } else {
            value.replace('+', " ")
        };
        if self.is(Mutant::LossyUtf8) {
            let text = decode_lossy(&spaced);
            return Some(text.trim_matches(['\u{fffd}', '%']).to_owned());
        }
        let text = String::from_utf8(decode(&spaced)?).ok()?;
        Some(if self.is(Mutant::QueryDecodesTwice) {
            decode_lossy(&text)
        } else {
            text
        })
    }

    fn number(&self, text: &str, smallest: u64, largest: u64) -> Option<u64> {
        let mut text = text.to_owned();
        match self.mutant {
            Mutant::Underscores => text = text.replace('_', ""),
            Mutant::Trims => text = text.trim().to_owned(),
            Mutant::PlusSign | Mutant::PlusIsPlus => {
                text = text.strip_prefix('+').unwrap_or(&text).to_owned();
            }
            Mutant::LineEndAfter => text = text.strip_suffix('\n').unwrap_or(&text).to_owned(),
            Mutant::UnicodeDigits => {
                text = text.replace(['\u{665}', '\u{ff15}'], "5");
            }
            Mutant::Hexadecimal => {
                if let Some(hex) = text.strip_prefix("0x") {
                    text = u64::from_str_radix(hex, 16).ok()?.to_string();
                }
            }
            Mutant::Exponent if text.contains('e') => {
                text = format!("{}", text.parse::<f64>().ok()?);
            }
            Mutant::NegativeIsZero if text.starts_with('-') => text = smallest.to_string(),
            Mutant::NoLeadingZeros if text.len() > 1 && text.starts_with('0') => return None,
            Mutant::LengthLimited if text.len() > 20 => return None,
            _ => {}
        }
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = text.trim_start_matches('0');
        let value = if digits.is_empty() {
            0
        } else if self.is(Mutant::WrapsAround) {
            digits.bytes().fold(0_u64, |sum, digit| {
                sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'))
            })
        } else {
            digits.parse::<u64>().ok()?
        };
        if self.is(Mutant::Clamps) {
            return Some(value.clamp(smallest, largest));
        }
        (smallest..=largest).contains(&value).then_some(value)
    }
}

fn text(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `None` where an escape is none.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let high = digit(rest.next()?)?;
        let low = digit(rest.next()?)?;
        bytes.push(u8::try_from(high * 16 + low).unwrap());
    }
    Some(bytes)
}

/// Leaves what is no escape as it is.
fn decode_lossy(text: &str) -> String {
    match decode(text) {
        Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        None => text.to_owned(),
    }
}

fn resolve_dots(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    format!("/{}", segments.join("/"))
}
