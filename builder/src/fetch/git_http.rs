//! git over HTTP(S) by reqwest: libgit2 is built without a TLS of its own, and one way through proxies is enough.
//!
//! The smart protocol, stateless: libgit2 writes a request, then reads the answer.
//!
//! ```text
//! GET  <url>/info/refs?service=git-upload-pack
//! POST <url>/git-upload-pack
//! ```
//! It never pushes, and sends no credentials.

use std::io::{self, Read, Write};
use std::sync::OnceLock;
use std::time::Duration;

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};
use reqwest::blocking::{Client, Response};
use reqwest::header::CONTENT_TYPE;

/// Of the answer's head, then of each read: a server may count objects for a while before it sends any.
const STALL: Duration = Duration::from_secs(120);

/// Puts this transport in the place of libgit2's own, once a process.
pub fn install() -> Result<(), git2::Error> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    DONE.get_or_init(|| register().map_err(|error| error.message().to_string()))
        .clone()
        .map_err(|message| git2::Error::from_str(&message))
}

#[allow(unsafe_code)]
fn register() -> Result<(), git2::Error> {
    for scheme in ["https", "http"] {
        // SAFETY: it must not race with another `register` or with the making of a remote's transport. `install` runs
        // it once, under `OnceLock`, before its callers (`fetch_git`, `tags`) make a remote; who else uses git2 makes none.
        unsafe {
            git2::transport::register(scheme, |remote| Transport::smart(remote, true, Requests::default()))?;
        }
    }
    Ok(())
}

#[derive(Default)]
struct Requests {
    client: OnceLock<Result<Client, String>>,
}

impl SmartSubtransport for Requests {
    fn action(&self, url: &str, action: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let build = || {
            super::http::client()
                .timeout(STALL)
                .user_agent("git/rootbrew")
                .build()
                .map_err(|error| error.to_string())
        };
        let client = self.client.get_or_init(build).clone().map_err(|error| git2::Error::from_str(&error))?;
        let url = url.trim_end_matches('/');
        let url = match action {
            Service::UploadPackLs => format!("{url}/info/refs?service=git-upload-pack"),
            Service::UploadPack => format!("{url}/git-upload-pack"),
            _ => return Err(git2::Error::from_str("sources are only fetched, never pushed")),
        };
        Ok(Box::new(Exchange { client, url, request: Vec::new(), answer: None }))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// One request and its answer: sent at the first read.
struct Exchange {
    client: Client,
    url: String,
    request: Vec<u8>,
    answer: Option<Response>,
}

impl Exchange {
    fn send(&mut self) -> io::Result<Response> {
        let request = if self.request.is_empty() {
            self.client.get(&self.url)
        } else {
            let body = std::mem::take(&mut self.request);
            self.client
                .post(&self.url)
                .header(CONTENT_TYPE, "application/x-git-upload-pack-request")
                .body(body)
        };
        let answer = request.send().map_err(|error| io::Error::other(super::http::chain(&error)))?;
        let status = answer.status();
        let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        match kind.starts_with("application/x-git-upload-pack") {
            _ if !status.is_success() => Err(io::Error::other(format!("the server answers {status}"))),
            true => Ok(answer),
            false => Err(io::Error::other(format!("the server speaks no git here (it sends `{kind}`)"))),
        }
    }
}

impl Write for Exchange {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.request.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Exchange {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let answer = match self.answer.take() {
            Some(answer) => answer,
            None => self.send()?,
        };
        self.answer.insert(answer).read(buffer)
    }
}
