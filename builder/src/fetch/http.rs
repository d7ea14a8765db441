//! One GET as a stream of parts that can be waited for with a limit.
//!
//! The request runs in a thread of its own and sends what comes through a short channel: so whoever waits can give up
//! (stall, Ctrl-C) at once. The thread ends at its next part, at the latest after the client's own time limit.

use std::io::Read;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::blocking::Response;
use reqwest::header::{self, HeaderMap};

use super::wanted::Places;

/// Made at the first request: reading the system's certificates takes tens of milliseconds, a warm build needs none.
pub struct Client {
    inner: OnceLock<Result<reqwest::blocking::Client, String>>,
    stall: Duration,
    proxy: Option<String>,
}

/// What a server sends, in this order: a head, bytes, an end. `Unreachable` comes instead of a head, `Broken` instead
/// of an end.
pub enum Part {
    Head(Head),
    Bytes(Vec<u8>),
    End,
    Unreachable(String),
    Broken(String),
}

pub struct Head {
    pub status: StatusCode,
    /// Of this answer's body.
    pub length_bytes: Option<u64>,
    /// First byte, and size of the whole where the server says it.
    pub range: Option<(u64, Option<u64>)>,
    /// Only a strong one: a weak one promises no equal bytes.
    pub etag: Option<String>,
}

impl Client {
    /// Proxies are the environment's (`http_proxy`, `https_proxy`, `no_proxy`).
    pub fn new(places: &Places) -> Client {
        Client { inner: OnceLock::new(), stall: places.patience.stall, proxy: None }
    }

    /// The same, by the proxy that apt is told to use.
    pub fn by_proxy(places: &Places, proxy: Option<String>) -> Client {
        Client { proxy, ..Client::new(places) }
    }

    /// The bytes of `url` from `from` on; the server may ignore `from`, and `head` says so.
    /// `etag` is of the bytes that we have: when the file changed since, the whole is asked.
    pub fn get(&self, url: &str, from: u64, etag: Option<&str>) -> Receiver<Part> {
        // 4 parts of 64 KiB: the network goes on while a part is hashed and written, and memory stays small.
        let (sender, receiver) = sync_channel(4);
        let request = self.inner.get_or_init(|| self.build()).clone().map(|client| {
            let mut request = client.get(url).header(header::ACCEPT_ENCODING, "identity");
            if from > 0 {
                request = request.header(header::RANGE, format!("bytes={from}-"));
            }
            match etag {
                Some(etag) if from > 0 => request.header(header::IF_RANGE, etag),
                _ => request,
            }
        });
        std::thread::spawn(move || match request {
            Ok(request) => stream(request.send(), &sender),
            Err(reason) => send(&sender, Part::Unreachable(reason)),
        });
        receiver
    }

    fn build(&self) -> Result<reqwest::blocking::Client, String> {
        let mut builder = client()
            .user_agent(concat!("rootbrew/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.stall.min(Duration::from_secs(10)))
            // Of the head and then of each read. Twice the limit: whoever waits gives up first; this ends the thread.
            .timeout(self.stall * 2);
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(|error| chain(&error))?);
        }
        builder.build().map_err(|error| chain(&error))
    }
}

fn stream(answer: reqwest::Result<Response>, sender: &SyncSender<Part>) {
    match answer {
        Ok(response) => {
            send(sender, Part::Head(head(&response)));
            body(response, sender);
        }
        Err(error) if error.is_connect() || error.is_builder() => {
            send(sender, Part::Unreachable(innermost(&error)))
        }
        // A URL's query may be a secret.
        Err(error) => send(sender, Part::Broken(chain(&error.without_url()))),
    }
}

fn body(mut response: Response, sender: &SyncSender<Part>) {
    loop {
        let mut buffer = vec![0; 64 << 10];
        let part = match response.read(&mut buffer) {
            Ok(0) => Part::End,
            Ok(count) => {
                buffer.truncate(count);
                Part::Bytes(buffer)
            }
            Err(error) => Part::Broken(chain(&error)),
        };
        let last = !matches!(part, Part::Bytes(_));
        // An error here: nobody waits any more, so there is nothing left to do.
        if sender.send(part).is_err() || last {
            return;
        }
    }
}

fn send(sender: &SyncSender<Part>, part: Part) {
    // An error here: nobody waits any more.
    sender.send(part).unwrap_or(());
}

fn head(response: &Response) -> Head {
    let headers = response.headers();
    Head {
        status: response.status(),
        length_bytes: text(headers, header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
        range: text(headers, header::CONTENT_RANGE).and_then(range),
        etag: text(headers, header::ETAG).filter(|etag| etag.starts_with('"')).map(str::to_string),
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// `bytes 100-199/200` → first byte 100, whole 200 (or `*`).
fn range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, whole) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _last) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, whole.trim().parse().ok()))
}

/// A client to be, with TLS by ring.
pub fn client() -> reqwest::blocking::ClientBuilder {
    provide_tls();
    // One file a connection; object_store turns HTTP/2 on for the whole program.
    reqwest::blocking::Client::builder().http1_only()
}

/// TLS of this process is by ring, for every client that names no provider.
pub fn provide_tls() {
    // Refused when another client installed it already: it is the same one.
    rustls::crypto::ring::default_provider().install_default().ok();
}

/// The last cause: what the outer ones say (the URL, that it was a request) is said by who tells it.
fn innermost(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.last().map_or(String::new(), ToString::to_string)
}

/// An error with its causes, in one line: the outermost alone says "error sending request".
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}
