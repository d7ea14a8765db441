//! `rootbrew ctl`: a guest that `rootbrew boot` left running, asked what its own `rootbrewctl` would be.

use std::fs::{self, File};
use std::io::{self, stdin, stdout};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ci::boot::ctl;
use ci::boot::session::{self, Terminal};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};

use crate::context::Context;
use crate::terminal::data;
use crate::trouble::{Result, Trouble};
use crate::work::running;

#[derive(Debug, clap::Args)]
pub struct Wish {
    /// The guest, as `rootbrew boot` called it: its role
    pub guest: String,
    /// status, top, log [-f] [-n N] [SERVICE], events [-f], env, env put FILE, env drop, reload SERVICE, restart SERVICE, shell, cores, cores get NAME [FILE], cores drop, reboot, poweroff
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let socket = running::socket(&wish.guest)?;
    let failed = |what: String| Trouble::Failed(format!("{}: {what}", wish.guest));
    if !socket.exists() {
        let running = running::names().join(", ");
        let which = if running.is_empty() { "none runs".to_string() } else { format!("there are {running}") };
        return Err(failed(format!("no such guest; {which}: `rootbrew boot ROLE` starts one")));
    }
    let (words, file) = match wish.words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["shell"] => return shell(&socket).map_err(|error| failed(error.to_string())),
        ["cores", "get", name, to @ ..] if to.len() < 2 => {
            let to = PathBuf::from(to.first().unwrap_or(name));
            return core(&socket, name, &to).map_err(|error| failed(format!("{name}: {error}")));
        }
        ["env", "put", file] => {
            let bytes = fs::read(PathBuf::from(file))
                .map_err(|error| failed(format!("cannot read {file}: {error}")))?;
            ("env put".to_string(), Some(bytes))
        }
        words => (words.join(" "), None),
    };
    let mut take = |line: &str| match context.json {
        true => data(&serde_json::json!({ "event": "line", "text": line }).to_string()),
        false => data(line),
    };
    ctl::ask(&socket, &words, file.as_deref(), &mut take).map_err(|error| failed(error.to_string()))
}

/// A terminal as it was before, again when this is dropped.
struct Raw(Option<Termios>);

impl Raw {
    fn begin() -> io::Result<Raw> {
        if !isatty(stdin()) {
            return Ok(Raw(None));
        }
        let before = tcgetattr(stdin())?;
        let mut modes = before.clone();
        modes.make_raw();
        tcsetattr(stdin(), OptionalActions::Now, &modes)?;
        Ok(Raw(Some(before)))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(modes) = &self.0 {
            tcsetattr(stdin(), OptionalActions::Now, modes).ok();
        }
    }
}

fn shell(socket: &Path) -> io::Result<()> {
    let size = || tcgetwinsize(stdout()).map_or((80, 24), |size| (size.ws_col.max(20), size.ws_row.max(5)));
    let kind = std::env::var("TERM").unwrap_or_else(|_| "dumb".into());
    let _raw = Raw::begin()?;
    let input = stdin();
    session::shell(socket, Terminal { input: input.as_fd(), output: &mut stdout(), size: &size, kind })
}

/// Its user's alone: it holds what the program knew.
fn core(socket: &Path, name: &str, to: &Path) -> io::Result<()> {
    let file = File::options().write(true).create_new(true).mode(0o600).open(to)?;
    let done = ctl::core(socket, name, &file);
    if done.is_err() {
        // No half of one.
        fs::remove_file(to).ok();
    }
    done
}
