//! `rootbrew ctl`: a guest that `rootbrew boot` left running, asked what its own `rootbrewctl` would be.

use std::fs;
use std::path::PathBuf;

use ci::boot::ctl;

use crate::context::Context;
use crate::terminal::data;
use crate::trouble::{Result, Trouble};
use crate::work::running;

#[derive(Debug, clap::Args)]
pub struct Wish {
    /// The guest, as `rootbrew boot` called it: its role
    pub guest: String,
    /// status, top, log [-f] [-n N] [SERVICE], events [-f], env, env put FILE, env drop, reload SERVICE, restart SERVICE, reboot, poweroff
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
