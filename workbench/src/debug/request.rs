//! A request of debuginfod's protocol: `/buildid/ID/debuginfo`, `/executable`, `/source/PATH` (debuginfod(8), "WEBAPI").

/// What is wanted of a build-id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    Debuginfo(String),
    Executable(String),
    /// The id, and the path as the compiler wrote it, absolute.
    Source(String, String),
}

/// `None` for what the protocol does not know.
pub fn request(path: &str) -> Option<Request> {
    let path = path.split(['?', '#']).next()?;
    let (id, rest) = path.strip_prefix("/buildid/")?.split_once('/')?;
    let id = Some(id.to_ascii_lowercase()).filter(|id| is_id(id))?;
    match rest.split_once('/') {
        None if rest == "debuginfo" => Some(Request::Debuginfo(id)),
        None if rest == "executable" => Some(Request::Executable(id)),
        Some(("source", path)) => Some(Request::Source(id, format!("/{}", decoded(path)?))),
        _ => None,
    }
}

/// Hex, whole bytes; the longest that a linker makes is sha1's, by hand it may be more.
pub fn is_id(id: &str) -> bool {
    (4..=128).contains(&id.len())
        && id.len().is_multiple_of(2)
        && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// `%2F` and the like; `None` where they are no UTF-8 or hold a zero.
fn decoded(path: &str) -> Option<String> {
    let bytes = path.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let coded = (bytes[at] == b'%').then(|| path.get(at + 1..at + 3)).flatten();
        match coded.map(|hex| u8::from_str_radix(hex, 16)) {
            Some(byte) => {
                plain.push(byte.ok()?);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(plain).ok().filter(|text| !text.contains('\0'))
}
