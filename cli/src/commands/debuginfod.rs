//! `rootbrew debuginfod`: the store's debug information by build-id, for gdb and elfutils (debuginfod(8), "WEBAPI").

use std::fs::File;
use std::io::Cursor;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use builder::recipe::{self, Catalogue};
use kegs::{Digest, Store};
use tiny_http::{Header, Method, Response, Server};
use workbench::debug::{self, Held, Index, Request};

use crate::context::Context;
use crate::terminal::{event, talk};
use crate::trouble::{Result, Trouble};

/// A debugger asks one thing after another; this is for several debuggers.
const THREADS: usize = 4;

/// A build-id that is not known may be of a build that ended since: the store is looked at again, but not for each of a crowd.
const INDEX_AGE_MIN: Duration = Duration::from_secs(1);

struct Service {
    store: Store,
    catalogue: Catalogue,
    index: Mutex<(Index, Instant)>,
}

pub fn run(context: &Context, listen: &str) -> Result<()> {
    let store = context.open_store()?;
    // What is wrong with a recipe is another command's to say: its sources are not shown.
    let (catalogue, _) = recipe::load_partly(&context.tap);
    let index = Mutex::new((Index::of(&store)?, Instant::now()));
    let service = Service { store, catalogue, index };
    let server = Server::http(listen).map_err(|error| {
        Trouble::Failed(format!("cannot listen on {listen}: {error}; name another by --listen"))
    })?;
    let server = Arc::new(server);
    let stopped = server.clone();
    context.cancel.on_cancel(move || (0..THREADS).for_each(|_| stopped.unblock()));
    let url = format!("http://{}", server.server_addr());
    event("serving", &url, &format!("{} build-ids", service.index().0.len()));
    talk(&format!("hint: `DEBUGINFOD_URLS={url} gdb PROGRAM CORE`; Ctrl-C ends it"));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| server.incoming_requests().for_each(|request| service.answer(request)));
        }
    });
    Ok(())
}

impl Service {
    fn index(&self) -> MutexGuard<'_, (Index, Instant)> {
        self.index.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Who hangs up meanwhile is no fault of ours.
    fn answer(&self, request: tiny_http::Request) {
        let url = request.url().to_string();
        let reads = matches!(request.method(), Method::Get | Method::Head);
        let found = if reads { self.find(&url) } else { Err("only GET".to_string()) };
        event(
            if found.is_ok() { "served" } else { "absent" },
            &url,
            found.as_ref().err().map_or("", |why| why),
        );
        match found {
            Ok(Found::File(file, path)) => {
                request.respond(Response::from_file(file).with_header(header("X-DEBUGINFOD-FILE", &path)))
            }
            Ok(Found::Bytes(bytes)) => request.respond(Response::from_data(bytes)),
            Err(why) => {
                request.respond(Response::new(404.into(), vec![], Cursor::new(why.into_bytes()), None, None))
            }
        }
        .ok();
    }

    fn find(&self, url: &str) -> std::result::Result<Found, String> {
        match debug::request(url).ok_or("this is not of debuginfod's protocol")? {
            Request::Debuginfo(id) => self.file(&id, |held| Some(held.debug)),
            Request::Executable(id) => self.file(&id, |held| held.executable),
            Request::Source(id, path) => {
                self.held(&id)?;
                debug::source(&self.store, &self.catalogue, &path).map(Found::Bytes)
            }
        }
    }

    fn file(&self, id: &str, of: impl Fn(&Held) -> Option<Digest>) -> std::result::Result<Found, String> {
        let held = self.held(id)?;
        let digest = of(&held).ok_or("the store has another part of it, not this one")?;
        let path = self.store.found(&digest).ok_or("its blob is gone from the store")?;
        Ok(Found::File(File::open(path).map_err(|error| error.to_string())?, held.path))
    }

    fn held(&self, id: &str) -> std::result::Result<Held, String> {
        let mut index = self.index();
        if index.0.get(id).is_none() && index.1.elapsed() > INDEX_AGE_MIN {
            *index = (Index::of(&self.store).map_err(|error| error.to_string())?, Instant::now());
        }
        index.0.get(id).cloned().ok_or_else(|| "no keg of this store has this build-id".to_string())
    }
}

enum Found {
    File(File, String),
    Bytes(Vec<u8>),
}

/// A name of ours and a path that a keg may have: what is not ASCII in it is left out.
fn header(name: &str, value: &str) -> Header {
    let plain: String = value.chars().filter(char::is_ascii_graphic).collect();
    Header::from_bytes(name.as_bytes(), plain.as_bytes()).unwrap_or_else(|()| panic!("`{name}` is no header"))
}
