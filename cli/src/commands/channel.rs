//! `rootbrew channel`: lines of published images in a folder of static files.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};

use assembler::{ImageTree, role, text};
use ci::channel::{self, Content, Desk, Folder, Image, Item, Keyring, Life, Moved, Policy, now_s};

use crate::context::Context;
use crate::terminal::{bytes, data, event, talk};
use crate::trouble::{Result, Trouble};
use crate::work::{offer, passphrase};

#[derive(Debug, clap::Subcommand)]
pub enum Channel {
    /// Make a channel and its keys; print the sha256 of its root, which takers are given
    #[command(after_help = "Example: rootbrew channel init public/ --keys keys/")]
    Init {
        dir: PathBuf,
        #[command(flatten)]
        keys: Keys,
        /// How many keys of the root there are
        #[arg(long, value_name = "N", default_value_t = 3)]
        roots: usize,
        /// How many of them must sign a new root
        #[arg(long, value_name = "N", default_value_t = 2)]
        threshold: u64,
    },
    /// Publish the images of roles, where they are others than the line's newest
    #[command(after_help = "Examples: rootbrew channel publish public/ --line edge --keys keys/\n          \
                      rootbrew channel publish public/ web --line edge --keys keys/ --with web/boot.log=boot.log")]
    Publish {
        dir: PathBuf,
        /// Roles [default: all]
        roles: Vec<String>,
        #[arg(long, value_name = "NAME")]
        line: String,
        #[command(flatten)]
        keys: Keys,
        /// Another file beside a role's image, as a boot's log or figures
        #[arg(long, value_name = "ROLE/NAME=FILE")]
        with: Vec<String>,
        /// Publish what nothing proves: images are not booted and asked
        #[arg(long)]
        no_boot: bool,
    },
    /// Make a line's newest images another line's newest
    #[command(
        after_help = "Example: rootbrew channel promote public/ edge stable web --soak 86400 --keys keys/"
    )]
    Promote {
        dir: PathBuf,
        from: String,
        to: String,
        /// Roles [default: all of the first line]
        roles: Vec<String>,
        /// How long they must have been the newest
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        soak: u64,
        #[command(flatten)]
        keys: Keys,
    },
    /// Publish an older image as a line's newest: the one before, or one by its sha256
    #[command(after_help = "Example: rootbrew channel rollback public/ stable web --keys keys/")]
    Rollback {
        dir: PathBuf,
        line: String,
        role: String,
        /// The first digits of its sha256, as `log` prints it
        #[arg(long, value_name = "SHA256")]
        to: Option<String>,
        #[command(flatten)]
        keys: Keys,
    },
    /// Keep a line as it is: nothing is published or promoted there until it is let go
    #[command(
        after_help = "Example: rootbrew channel hold public/ stable web --why \"holidays\" --keys keys/"
    )]
    Hold {
        dir: PathBuf,
        line: String,
        role: String,
        /// Why, for whoever is refused
        #[arg(long, value_name = "TEXT", required_unless_present = "off")]
        why: Option<String>,
        /// Let it go
        #[arg(long, conflicts_with = "why")]
        off: bool,
        #[command(flatten)]
        keys: Keys,
    },
    /// Hash everything again that the channel names, and check every signature
    #[command(after_help = "Example: rootbrew channel verify public/ --keys keys/")]
    Verify {
        dir: PathBuf,
        #[command(flatten)]
        keys: Keys,
    },
    /// Sign the pointers anew, so that they hold longer
    #[command(after_help = "Example: rootbrew channel refresh public/ --keys keys/")]
    Refresh {
        dir: PathBuf,
        #[command(flatten)]
        keys: Keys,
    },
    /// Forget old images and remove what nothing names; the newest of each line stays
    #[command(after_help = "Example: rootbrew channel prune public/ --keep 10 --days 30 --keys keys/")]
    Prune {
        dir: PathBuf,
        /// So many of the newest of each line and role
        #[arg(long, value_name = "N", default_value_t = 10)]
        keep: usize,
        /// And those that were the newest within so many days
        #[arg(long, value_name = "N", default_value_t = 30)]
        days: u64,
        /// Files that are younger stay: a taker may be under way
        #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
        grace: u64,
        #[command(flatten)]
        keys: Keys,
    },
    /// Write pages into the channel that tell what its lines hold, for a browser: histories, contents, papers, differences
    #[command(after_help = "Example: rootbrew channel site public/ --keys keys/ --db all.zip")]
    Site(super::site::Wish),
    /// What each line held and holds
    #[command(after_help = "Example: rootbrew channel log public/ --keys keys/ --json")]
    Log {
        dir: PathBuf,
        #[command(flatten)]
        keys: Keys,
    },
}

#[derive(Debug, clap::Args)]
pub struct Keys {
    /// The folder of keys, with the root of trust that their owner follows
    #[arg(long, value_name = "DIR", env = "ROOTBREW_KEYS")]
    keys: PathBuf,
    /// Read the passphrase from this descriptor [default: the file that ROOTBREW_PASSPHRASE_FILE names, else the terminal]
    #[arg(long, value_name = "N")]
    passphrase_fd: Option<RawFd>,
}

pub fn run(context: &Context, command: &Channel) -> Result<()> {
    match command {
        Channel::Init { dir, keys, roots, threshold } => init(dir, keys, *roots, *threshold),
        Channel::Publish { dir, roles, line, keys, with, no_boot } => {
            publish(context, dir, keys, line, roles, &mut beside(with)?, *no_boot)
        }
        Channel::Promote { dir, from, to, roles, soak, keys } => change(context, dir, keys, |desk| {
            let of_line = || channel::lines(desk.state()).into_iter().filter(|(line, _)| line == from);
            let all: Vec<String> = of_line().map(|(_, role)| role).collect();
            let roles = if roles.is_empty() { &all } else { roles };
            roles
                .iter()
                .map(|role| Ok((to.clone(), role.clone(), channel::promote(desk, from, to, role, *soak)?)))
                .collect()
        }),
        Channel::Rollback { dir, line, role, to, keys } => change(context, dir, keys, |desk| {
            Ok(vec![(line.clone(), role.clone(), channel::rollback(desk, line, role, to.as_deref())?)])
        }),
        Channel::Hold { dir, line, role, why, off: _, keys } => change(context, dir, keys, |desk| {
            Ok(vec![(line.clone(), role.clone(), channel::hold(desk, line, role, why.as_deref())?)])
        }),
        Channel::Verify { dir, keys } => verify(context, dir, keys),
        Channel::Refresh { dir, keys } => refresh(dir, keys),
        Channel::Prune { dir, keep, days, grace, keys } => {
            let policy = Policy { keep: *keep, keep_s: days.saturating_mul(86_400), grace_s: *grace };
            prune(dir, keys, policy)
        }
        Channel::Site(wish) => super::site::run(context, wish),
        Channel::Log { dir, keys } => log(context, dir, keys),
    }
}

fn init(dir: &Path, keys: &Keys, roots: usize, threshold: u64) -> Result<()> {
    if roots == 0 || threshold == 0 || threshold > roots as u64 {
        return Err(Trouble::Failed(format!(
            "--threshold {threshold} of --roots {roots} can't be: 1 to {roots} is wanted"
        )));
    }
    let folder = Folder::create(dir)?;
    let ask = || passphrase::ask(keys.passphrase_fd);
    let keyring = Keyring::at(&keys.keys, &ask);
    let sha256 = channel::init(&folder, &keyring, roots, threshold, Life::default(), now_s())?;
    event("made", &dir.display().to_string(), &format!("keys in {}", keys.keys.display()));
    talk("hint: takers are given this sha256 another way than the channel; keep root-*.pem elsewhere");
    data(&sha256);
    Ok(())
}

fn publish(
    context: &Context,
    dir: &Path,
    keys: &Keys,
    line: &str,
    roles: &[String],
    with: &mut Beside,
    no_boot: bool,
) -> Result<()> {
    // A slip of the pen is told before anything is built.
    existing(dir)?;
    let roles = if roles.is_empty() { role::names(&context.tap).unwrap_or_default() } else { roles.to_vec() };
    let commit = workbench::revision::clean(&context.tap);
    let offers = roles.iter().map(|role| offer::offer(context, role)).collect::<Result<Vec<_>>>()?;
    change(context, dir, keys, |desk| {
        let mut moved = Vec::new();
        for (role, offer) in roles.iter().zip(&offers) {
            let newest = desk.newest(line, role)?;
            let is_same = |image: &Image| image.is(&offer.image().facts.root_sha256, &offer.kernel_sha256);
            if newest.as_ref().is_some_and(is_same) {
                moved.push((line.to_string(), role.clone(), Moved::Same));
                continue;
            }
            let before = newest.map(|image| twin(desk.folder(), &image)).transpose()?;
            let beside = offer::Beside { commit: commit.as_deref(), before: before.as_ref(), no_boot };
            let mut item: Item = offer.item(context, &beside)?;
            item.parts.extend(with.remove(role).unwrap_or_default());
            moved.push((line.to_string(), role.clone(), desk.publish(line, item)?));
        }
        Ok(moved)
    })?;
    match with.keys().next() {
        None => Ok(()),
        Some(role) => Ok(talk(&format!("warning: --with {role}/…: nothing new of `{role}` was published"))),
    }
}

type Beside = BTreeMap<String, Vec<(String, String, Content)>>;

/// `ROLE/NAME=FILE`.
fn beside(with: &[String]) -> Result<Beside> {
    let mut parts = Beside::new();
    for word in with {
        let split = word.split_once('=').and_then(|(name, file)| Some((name.split_once('/')?, file)));
        let ((role, name), file) = split.ok_or_else(|| {
            Trouble::Failed(format!("--with {word}: ROLE/NAME=FILE is wanted, as web/boot.log=boot.log"))
        })?;
        let media = match name.rsplit('.').next() {
            Some("json") => "application/json",
            Some("svg") => "image/svg+xml",
            Some("html") => "text/html",
            _ => "text/plain",
        };
        let part = (name.to_string(), media.to_string(), Content::File(file.into()));
        parts.entry(role.to_string()).or_default().push(part);
    }
    Ok(parts)
}

/// The tree of a published image, by its text twin.
fn twin(folder: &Folder, image: &Image) -> Result<ImageTree> {
    let failed =
        |what: String| Trouble::Failed(format!("the text twin of {}'s newest image: {what}", image.role));
    let part = image.parts.get("tree.txt").ok_or_else(|| failed("is not there".into()))?;
    let twin = fs::read_to_string(folder.path(&part.path())).map_err(|error| failed(error.to_string()))?;
    text::parse(&twin).map_err(|error| failed(error.to_string()))
}

/// One change: what moved, said line by line when it is done.
fn change(
    context: &Context,
    dir: &Path,
    keys: &Keys,
    make: impl FnOnce(&mut Desk) -> Result<Vec<(String, String, Moved)>>,
) -> Result<()> {
    let folder = existing(dir)?;
    let ask = || passphrase::ask(keys.passphrase_fd);
    let keyring = Keyring::at(&keys.keys, &ask);
    let mut desk = Desk::open(&folder, &keyring, Life::default(), now_s())?;
    let moved = make(&mut desk)?;
    let lost = desk.commit()?;
    if lost > 0 {
        talk(&format!("lost    the pointer {lost} times to other publishers, and went on from theirs"));
    }
    for (line, role, moved) in moved {
        show(context, &line, &role, &moved);
    }
    Ok(())
}

fn show(context: &Context, line: &str, role: &str, moved: &Moved) {
    let new = match moved {
        Moved::Same => None,
        Moved::New { bytes } => Some(*bytes),
    };
    if context.json {
        let told = serde_json::json!({ "event": "moved", "line": line, "role": role, "same": new.is_none(), "new_bytes": new });
        return data(&told.to_string());
    }
    match new {
        None => event("same", &format!("{line}/{role}"), "it is the newest already"),
        Some(0) => event("moved", &format!("{line}/{role}"), ""),
        Some(count) => event("moved", &format!("{line}/{role}"), &format!("{} new", bytes(count))),
    }
}

fn existing(dir: &Path) -> Result<Folder> {
    match dir.join("metadata/1.root.json").exists() {
        true => Ok(Folder::create(dir)?),
        false => Err(Trouble::Failed(format!(
            "{} is no channel: `rootbrew channel init` makes one",
            dir.display()
        ))),
    }
}

fn verify(context: &Context, dir: &Path, keys: &Keys) -> Result<()> {
    let report = channel::verify(&Folder::at(dir), &keys.keys.join("trusted"), now_s())?;
    if context.json {
        let told = serde_json::json!({
            "event": "verified", "lines": report.lines, "images": report.images, "blobs": report.blobs,
            "bytes": report.bytes, "faults": report.faults,
        });
        data(&told.to_string());
    } else {
        report.faults.iter().for_each(|fault| talk(&format!("fault   {fault}")));
        let rest = format!(
            "{} lines, {} images, {} blobs, {}: {} faults",
            report.lines,
            report.images,
            report.blobs,
            bytes(report.bytes),
            report.faults.len()
        );
        event("verify", &dir.display().to_string(), &rest);
    }
    if report.faults.is_empty() { Ok(()) } else { Err(Trouble::Said) }
}

fn refresh(dir: &Path, keys: &Keys) -> Result<()> {
    let folder = existing(dir)?;
    let ask = || passphrase::ask(keys.passphrase_fd);
    let keyring = Keyring::at(&keys.keys, &ask);
    channel::refresh(Desk::open(&folder, &keyring, Life::default(), now_s())?)?;
    event("signed", &dir.display().to_string(), "the pointers, anew");
    Ok(())
}

fn prune(dir: &Path, keys: &Keys, policy: Policy) -> Result<()> {
    let folder = existing(dir)?;
    let ask = || passphrase::ask(keys.passphrase_fd);
    let keyring = Keyring::at(&keys.keys, &ask);
    let pruned = channel::prune(&folder, &keyring, policy, Life::default(), now_s())?;
    let rest = format!(
        "{} images forgotten, {} files removed, {}",
        pruned.entries,
        pruned.files,
        bytes(pruned.bytes)
    );
    event("pruned", &dir.display().to_string(), &rest);
    Ok(())
}

fn log(context: &Context, dir: &Path, keys: &Keys) -> Result<()> {
    let folder = Folder::at(dir);
    let state = channel::State::open(&folder, &keys.keys.join("trusted"), now_s())?;
    for (line, role) in channel::lines(&state) {
        let history = channel::history(&folder, &state, &line, &role)?;
        if context.json {
            data(&serde_json::json!(history).to_string());
            continue;
        }
        if let Some(why) = &history.held {
            data(&format!("{line}/{role} is held: {why}"));
        }
        for entry in history.entries.iter().rev() {
            let commit = entry
                .commit
                .as_deref()
                .map_or(String::new(), |commit| format!("  commit {}", &commit[..commit.len().min(12)]));
            let what = entry.what.replace(char::is_control, "?");
            data(&format!("{line}/{role}  {}  {}  {what}{commit}", &entry.sha256[..12], entry.when));
        }
    }
    Ok(())
}
