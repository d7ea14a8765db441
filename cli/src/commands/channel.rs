//! `rootbrew channel`: lines of published images in a folder of static files.

use std::collections::BTreeMap;
use std::os::fd::RawFd;
use std::path::PathBuf;

use assembler::{ImageTree, role, text};
use ci::channel::{self, Content, Desk, Image, Item, Keyring, Life, Moved, Place, Policy, Turn, now_s};

use super::{rotate, told};
use crate::context::Context;
use crate::terminal::{bytes, data, event, talk};
use crate::trouble::{Result, Trouble};
use crate::work::{lend, offer, passphrase, place};

#[derive(Debug, clap::Subcommand)]
pub enum Channel {
    /// Make a channel and its keys; print the sha256 of its root, which takers are given
    #[command(after_help = "Example: rootbrew channel init public/ --keys keys/")]
    Init {
        /// A folder, or s3://BUCKET/PREFIX
        #[arg(value_name = "DIR")]
        dir: String,
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
                      rootbrew channel publish public/ web --line edge --keys keys/ --with web/boot.log=boot.log\n          \
                      rootbrew channel publish public/ --line edge --keys keys/ --kegs")]
    Publish {
        /// A folder, or s3://BUCKET/PREFIX
        #[arg(value_name = "DIR")]
        dir: String,
        /// Roles [default: all]
        roles: Vec<String>,
        #[arg(long, value_name = "NAME")]
        line: String,
        #[command(flatten)]
        keys: Keys,
        /// Another file beside a role's image, as a boot's log or figures
        #[arg(long, value_name = "ROLE/NAME=FILE")]
        with: Vec<String>,
        /// Lend all that the images are made of too: who names this channel by --cache takes it and builds nothing
        #[arg(long)]
        kegs: bool,
        /// Publish what nothing proves: images are not booted and asked
        #[arg(long)]
        no_boot: bool,
    },
    /// Make a line's newest images another line's newest
    #[command(
        after_help = "Example: rootbrew channel promote public/ edge stable web --soak 86400 --keys keys/"
    )]
    Promote {
        /// A folder, or s3://BUCKET/PREFIX
        #[arg(value_name = "DIR")]
        dir: String,
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
        /// A folder, or s3://BUCKET/PREFIX
        #[arg(value_name = "DIR")]
        dir: String,
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
        /// A folder, or s3://BUCKET/PREFIX
        #[arg(value_name = "DIR")]
        dir: String,
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
        /// A folder, a URL, or s3://BUCKET/PREFIX
        #[arg(value_name = "DIR")]
        dir: String,
        #[command(flatten)]
        keys: Keys,
    },
    /// Sign the pointers anew, so that they hold longer
    #[command(after_help = "Example: rootbrew channel refresh public/ --keys keys/")]
    Refresh {
        /// A folder, or s3://BUCKET/PREFIX
        #[arg(value_name = "DIR")]
        dir: String,
        #[command(flatten)]
        keys: Keys,
    },
    /// Forget old images and remove what nothing names; the newest of each line stays
    #[command(after_help = "Example: rootbrew channel prune public/ --keep 10 --days 30 --keys keys/")]
    Prune {
        /// A folder, or s3://BUCKET/PREFIX
        #[arg(value_name = "DIR")]
        dir: String,
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
    /// Give keys that were stolen or lost successors, by a root that old and new root keys sign; takers follow
    #[command(
        after_help = "Examples: rootbrew channel rotate public/ --new timestamp --new snapshot --keys keys/\n          \
                      rootbrew channel rotate public/ --new root-4 --drop root-2 --threshold 2 --keys keys/\n          \
                      rootbrew channel rotate public/ --keys keys/        goes on, once others signed keys/next/root.json"
    )]
    Rotate {
        /// A folder, or s3://BUCKET/PREFIX
        #[arg(value_name = "DIR")]
        dir: String,
        /// Gets a new key: root-1 …, timestamp, snapshot, targets, publish, or a role
        #[arg(long, value_name = "NAME")]
        new: Vec<String>,
        /// A root key that goes: its name, or the first digits of its id
        #[arg(long, value_name = "NAME|ID")]
        drop: Vec<String>,
        /// How many keys of the root must sign from now on
        #[arg(long, value_name = "N")]
        threshold: Option<u64>,
        #[command(flatten)]
        keys: Keys,
    },
    /// Sign a root that `rotate` began, by a key that is kept elsewhere
    #[command(after_help = "Example: rootbrew channel sign keys/next/root.json root-2 --keys /media/offline")]
    Sign {
        root: PathBuf,
        /// The key's name: its file without `.pem`
        name: String,
        #[command(flatten)]
        keys: Keys,
    },
    /// Write pages into the channel that tell what its lines hold, for a browser: histories, contents, papers, differences
    #[command(after_help = "Example: rootbrew channel site public/ --keys keys/ --db all.zip")]
    Site(super::site::Wish),
    /// What each line held and holds
    #[command(after_help = "Example: rootbrew channel log public/ --keys keys/ --json")]
    Log {
        /// A folder, a URL, or s3://BUCKET/PREFIX
        #[arg(value_name = "DIR")]
        dir: String,
        #[command(flatten)]
        keys: Keys,
    },
}

#[derive(Debug, clap::Args)]
pub struct Keys {
    /// The folder of keys, with the root of trust that their owner follows
    #[arg(long, value_name = "DIR", env = "ROOTBREW_KEYS")]
    pub keys: PathBuf,
    /// Read the passphrase from this descriptor [default: the file that ROOTBREW_PASSPHRASE_FILE names, else the terminal]
    #[arg(long, value_name = "N")]
    pub passphrase_fd: Option<RawFd>,
}

pub fn run(context: &Context, command: &Channel) -> Result<()> {
    match command {
        Channel::Init { dir, keys, roots, threshold } => init(context, dir, keys, *roots, *threshold),
        Channel::Publish { dir, roles, line, keys, with, no_boot, kegs } => {
            let mut how = How { with: beside(with)?, no_boot: *no_boot, kegs: *kegs };
            publish(context, dir, keys, line, roles, &mut how)
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
        Channel::Verify { dir, keys } => told::verify(context, dir, keys),
        Channel::Refresh { dir, keys } => refresh(context, dir, keys),
        Channel::Prune { dir, keep, days, grace, keys } => {
            let policy = Policy { keep: *keep, keep_s: days.saturating_mul(86_400), grace_s: *grace };
            prune(context, dir, keys, policy)
        }
        Channel::Rotate { dir, new, drop, threshold, keys } => {
            let turn = Turn { new: new.clone(), drop: drop.clone(), threshold: *threshold };
            rotate::rotate(context, dir, keys, &turn)
        }
        Channel::Sign { root, name, keys } => rotate::sign(root, name, keys),
        Channel::Log { dir, keys } => told::log(context, dir, keys),
        Channel::Site(wish) => super::site::run(context, wish),
    }
}

fn init(context: &Context, dir: &str, keys: &Keys, roots: usize, threshold: u64) -> Result<()> {
    if roots == 0 || threshold == 0 || threshold > roots as u64 {
        return Err(Trouble::Failed(format!(
            "--threshold {threshold} of --roots {roots} can't be: 1 to {roots} is wanted"
        )));
    }
    let shelf = place::create(context, dir)?;
    let ask = || passphrase::ask(keys.passphrase_fd);
    let keyring = Keyring::at(&keys.keys, &ask);
    let sha256 = channel::init(shelf.as_ref(), &keyring, roots, threshold, Life::default(), now_s())?;
    event("made", dir, &format!("keys in {}", keys.keys.display()));
    talk("hint: takers are given this sha256 another way than the channel; keep root-*.pem elsewhere");
    data(&sha256);
    Ok(())
}

fn publish(
    context: &Context,
    dir: &str,
    keys: &Keys,
    line: &str,
    roles: &[String],
    how: &mut How,
) -> Result<()> {
    // A slip of the pen is told before anything is built.
    place::existing(context, dir)?;
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
            let before = newest.map(|image| twin(desk.shelf(), &image)).transpose()?;
            let beside =
                offer::Beside { commit: commit.as_deref(), before: before.as_ref(), no_boot: how.no_boot };
            let mut item: Item = offer.item(context, &beside)?;
            item.parts.extend(how.with.remove(role).unwrap_or_default());
            moved.push((line.to_string(), role.clone(), desk.publish(line, item)?));
        }
        if how.kegs {
            lend::lend(context, desk, line, &offers)?;
        }
        Ok(moved)
    })?;
    match how.with.keys().next() {
        None => Ok(()),
        Some(role) => Ok(talk(&format!("warning: --with {role}/…: nothing new of `{role}` was published"))),
    }
}

/// What is published beside images, and what is asked of them first.
struct How {
    with: Beside,
    no_boot: bool,
    kegs: bool,
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
fn twin(place: &dyn Place, image: &Image) -> Result<ImageTree> {
    let failed =
        |what: String| Trouble::Failed(format!("the text twin of {}'s newest image: {what}", image.role));
    let part = image.parts.get("tree.txt").ok_or_else(|| failed("is not there".into()))?;
    let twin = place.get(&part.path(), part.size)?.ok_or_else(|| failed("is not there".into()))?;
    let twin = String::from_utf8(twin).map_err(|error| failed(error.to_string()))?;
    text::parse(&twin).map_err(|error| failed(error.to_string()))
}

/// One change: what moved, said line by line when it is done.
fn change(
    context: &Context,
    dir: &str,
    keys: &Keys,
    make: impl FnOnce(&mut Desk) -> Result<Vec<(String, String, Moved)>>,
) -> Result<()> {
    let shelf = place::existing(context, dir)?;
    let ask = || passphrase::ask(keys.passphrase_fd);
    let keyring = Keyring::at(&keys.keys, &ask);
    let mut desk = Desk::open(shelf.as_ref(), &keyring, Life::default(), now_s())?;
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

fn refresh(context: &Context, dir: &str, keys: &Keys) -> Result<()> {
    let shelf = place::existing(context, dir)?;
    let ask = || passphrase::ask(keys.passphrase_fd);
    let keyring = Keyring::at(&keys.keys, &ask);
    channel::refresh(Desk::open(shelf.as_ref(), &keyring, Life::default(), now_s())?)?;
    event("signed", dir, "the pointers, anew");
    Ok(())
}

fn prune(context: &Context, dir: &str, keys: &Keys, policy: Policy) -> Result<()> {
    let shelf = place::existing(context, dir)?;
    let ask = || passphrase::ask(keys.passphrase_fd);
    let keyring = Keyring::at(&keys.keys, &ask);
    let pruned = channel::prune(shelf.as_ref(), &keyring, policy, Life::default(), now_s())?;
    let rest = format!(
        "{} images forgotten, {} files removed, {}",
        pruned.entries,
        pruned.files,
        bytes(pruned.bytes)
    );
    event("pruned", dir, &rest);
    Ok(())
}
