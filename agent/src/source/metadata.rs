//! The metadata server of a cloud: one GET by HTTP/1.1, in bounded time and memory. No name service, no redirect, no TLS:
//! it is the hypervisor's own address, and who must not trust that signs the environment.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use host::environment::SIZE_MAX_BYTES;

const HEAD_MAX_BYTES: usize = 16 << 10;
const BODY_MAX_BYTES: usize = SIZE_MAX_BYTES as usize;
/// As it comes: chunks of ten bytes cost half as much again; who sends smaller ones wants our memory.
const WHOLE_MAX_BYTES: usize = HEAD_MAX_BYTES + 2 * BODY_MAX_BYTES;

type Refused<T> = Result<T, String>;

/// What stands at `url`.
///
/// # Errors
/// In words: no such address, no answer in time, an answer that is none of ours.
pub fn get(url: &str, limit: Duration) -> Refused<Vec<u8>> {
    let until = Instant::now() + limit;
    let left = || {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(format!("no whole answer within {} s", limit.as_secs())) } else { Ok(left) }
    };
    let (address, host, path) = parse_url(url)?;
    let failed = |cause: std::io::Error| cause.to_string();
    let mut stream = TcpStream::connect_timeout(&address, left()?).map_err(failed)?;
    stream.set_write_timeout(Some(left()?)).map_err(failed)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(failed)?;
    let (mut bytes, mut piece) = (Vec::new(), [0; 16384]);
    loop {
        stream.set_read_timeout(Some(left()?)).map_err(failed)?;
        let size = match stream.read(&mut piece) {
            Ok(size) => size,
            Err(cause) if is_passing(cause.kind()) => continue,
            Err(cause) => return Err(failed(cause)),
        };
        bytes.extend(&piece[..size]);
        if let Some(body) = reply(&bytes, size == 0)? {
            return Ok(body);
        }
    }
}

/// The time is asked for again.
fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// `http://ADDRESS[:PORT]/PATH`: where, what the server is called, which path.
fn parse_url(url: &str) -> Refused<(SocketAddr, &str, &str)> {
    let wrong = || "its URL is not like http://169.254.169.254/path, with an address in place of a name";
    let rest = url.strip_prefix("http://").ok_or_else(wrong)?;
    let (host, path) = rest.split_at(rest.find('/').ok_or_else(wrong)?);
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong().into());
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>().map(|address| SocketAddr::new(address, 80));
    let address = address.or_else(|_| host.parse::<SocketAddr>()).map_err(|_| wrong())?;
    Ok((address, host, path))
}

/// The body, if it is whole. `is_end`: no more will come. Pure.
fn reply(bytes: &[u8], is_end: bool) -> Refused<Option<Vec<u8>>> {
    let Some(end) = bytes.windows(4).take(HEAD_MAX_BYTES).position(|four| four == b"\r\n\r\n") else {
        return match (bytes.len() >= HEAD_MAX_BYTES, is_end) {
            (true, _) => Err(format!("its answer has a head of more than {HEAD_MAX_BYTES} bytes")),
            (_, true) => Err("its answer is cut".into()),
            _ => Ok(None),
        };
    };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| "its answer's head is no text")?;
    let body = &bytes[end + 4..];
    let form = form(head)?;
    let whole = match form {
        Form::Length(length) => body.get(..length).map(<[u8]>::to_vec),
        // Put together once, and not at each piece that comes: small chunks would cost their square.
        Form::Chunks if is_end || body.ends_with(b"\r\n\r\n") => chunks(body)?,
        Form::Chunks => None,
        Form::End => is_end.then(|| body.to_vec()),
    };
    let size = whole.as_ref().map_or(0, Vec::len);
    match whole {
        _ if bytes.len() > WHOLE_MAX_BYTES || size > BODY_MAX_BYTES => Err(too_large()),
        None if is_end => Err("its answer is cut".into()),
        None if matches!(form, Form::End) && body.len() > BODY_MAX_BYTES => Err(too_large()),
        whole => Ok(whole),
    }
}

fn too_large() -> String {
    format!("its answer is larger than {BODY_MAX_BYTES} bytes")
}

/// Where the body ends (RFC 9112, 6.3).
enum Form {
    Length(usize),
    Chunks,
    /// With the connection.
    End,
}

fn form(head: &str) -> Refused<Form> {
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let code = status.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
    match code.and_then(|code| code.parse::<u16>().ok()) {
        Some(200) => {}
        Some(code @ 300..=399) => return Err(format!("it answers {code}: a redirect is not followed")),
        Some(code) => return Err(format!("it answers {code}")),
        None => return Err("its answer is no HTTP".into()),
    }
    let mut form = Form::End;
    for line in lines {
        let (name, value) = line.split_once(':').ok_or("its answer's head is no HTTP")?;
        let (name, value) = (name.to_ascii_lowercase(), value.trim());
        match name.as_str() {
            "content-length" | "transfer-encoding" if !matches!(form, Form::End) => {
                return Err("its answer says twice how long it is".into());
            }
            "content-length" => form = Form::Length(length(value, 10)?),
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => form = Form::Chunks,
            "transfer-encoding" => return Err("its answer is encoded".into()),
            "content-encoding" if !value.eq_ignore_ascii_case("identity") => {
                return Err("its answer is compressed".into());
            }
            _ => {}
        }
    }
    Ok(form)
}

fn length(text: &str, base: u32) -> Refused<usize> {
    let digits = !text.is_empty() && text.chars().all(|digit| digit.is_digit(base));
    let length = digits.then(|| usize::from_str_radix(text, base).ok()).flatten();
    match length {
        Some(length) if length <= BODY_MAX_BYTES => Ok(length),
        None if !digits => Err("its answer's length is no number".into()),
        _ => Err(too_large()),
    }
}

/// The chunks put together, once the last of no length is there. Trailers are not waited for.
fn chunks(mut bytes: &[u8]) -> Refused<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let Some(end) = bytes.windows(2).take(256).position(|two| two == b"\r\n") else {
            return if bytes.len() > 256 { Err("its answer's chunks are none".into()) } else { Ok(None) };
        };
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| "its answer's chunks are none")?;
        let size = length(head.split(';').next().unwrap_or_default().trim(), 16)?;
        if size == 0 {
            return Ok(Some(body));
        }
        let Some(chunk) = bytes.get(end + 2..end + 2 + size) else { return Ok(None) };
        body.extend(chunk);
        if body.len() > BODY_MAX_BYTES {
            return Err(too_large());
        }
        let Some(after) = bytes.get(end + 2 + size..end + 4 + size) else { return Ok(None) };
        if after != b"\r\n" {
            return Err("its answer's chunks are none".into());
        }
        bytes = &bytes[end + 4 + size..];
    }
}

#[cfg(test)]
#[path = "metadata_test.rs"]
mod tests;
