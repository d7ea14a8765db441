//! apt, asked where things are, with a state of our own.
//!
//! It knows the place, the suites, the proxy. Everything that it writes is in our own folder, one a suite:
//!
//! ```text
//! <state>/<suite>-<kind>/apt.conf  sources.list  lists/  cache/  lock
//! ```
//! It never writes where the system's apt keeps things, and never installs.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::wanted::{Debian, Pool};

mod records;
pub use records::Record;

/// Lists older than this are asked anew when a version is not in them.
const LISTS_OLD: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, thiserror::Error)]
pub enum AptError {
    #[error("cannot run `{program}`: {source}; Debian's archive is a place only where apt is installed")]
    Missing { program: String, source: io::Error },
    #[error("`{command}` failed: {said}")]
    Failed { command: String, said: String },
    #[error("cannot write apt's lists in {}: {source}", .path.display())]
    State { path: PathBuf, source: io::Error },
    #[error(
        "apt is configured with no Debian archive (no `…/dists/<suite>` in `apt-get update --print-uris`)"
    )]
    NoArchive,
    #[error("no suite asked has `{name}={version}` (asked: {asked})")]
    NoVersion { name: String, version: String, asked: String },
}

/// One place that the system's apt is configured with: `base` ends in a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    pub base: String,
    pub suite: String,
}

/// A file as apt names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub url: String,
    pub file: String,
    pub size_bytes: u64,
    pub sha256: Option<[u8; 32]>,
}

/// What apt would install into an empty system, and the base that the URLs begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    pub base: String,
    pub files: Vec<Listed>,
}

/// apt with a state of our own.
pub struct Apt {
    state: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Source,
    Binary,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    Any,
    Fresh,
}

/// The places that the system's apt has, from its own mouth; works without lists, network or root.
pub fn archives(state: &Path) -> Result<Vec<Archive>, AptError> {
    let empty = state.join("empty");
    make_folder(&empty.join("lists/partial"))?;
    let state_option = format!("Dir::State={}", empty.display());
    let said = run(
        "apt-get",
        &[
            "update",
            "--print-uris",
            "-o",
            &state_option,
            "-o",
            "Dir::State::lists=lists",
            "-o",
            "Debug::NoLocking=1",
        ],
    )?;
    let mut archives = Vec::new();
    for url in said.lines().filter_map(|line| line.strip_prefix('\'')?.split('\'').next()) {
        let Some((base, rest)) = url.strip_suffix("/InRelease").and_then(|url| url.split_once("/dists/"))
        else {
            continue;
        };
        archives.push(Archive { base: format!("{base}/"), suite: rest.to_string() });
    }
    if archives.is_empty() { Err(AptError::NoArchive) } else { Ok(archives) }
}

/// Where a suite is: as configured, else beside the suites of its kind (security updates have an archive of their own).
fn bases(archives: &[Archive], suite: &str) -> Vec<String> {
    let is_security = |suite: &str| suite.contains("-security");
    let same = archives.iter().filter(|archive| archive.suite == suite);
    let alike = archives.iter().filter(|archive| is_security(&archive.suite) == is_security(suite));
    let mut bases: Vec<String> = same.chain(alike).map(|archive| archive.base.clone()).collect();
    if bases.is_empty() && is_security(suite) {
        // By Debian's own convention: `…/debian/` has `…/debian-security/` beside it.
        bases.extend(
            archives
                .iter()
                .filter_map(|archive| Some(format!("{}-security/", archive.base.strip_suffix('/')?))),
        );
    }
    let mut seen = Vec::new();
    bases.retain(|base| {
        !seen.contains(base) && {
            seen.push(base.clone());
            true
        }
    });
    bases
}

impl Apt {
    pub fn new(state: &Path) -> Apt {
        Apt { state: state.to_path_buf() }
    }

    /// The upstream archives (`.orig`) of one source: of the revision that is named, in the suite that is named or the
    /// likely ones; else of whatever revision a suite has now, where its archive has our sha256. A security update
    /// takes the revision before it away, and keeps the archive. Blocks on the network for lists that are missing.
    pub fn originals(&self, debian: &Debian, sha256: &[u8; 32]) -> Result<Vec<Listed>, AptError> {
        let archives = archives(&self.state)?;
        let likely = || self.by_lists(likely_suites(&debian.version, &archives));
        let named = debian.suite.as_ref().map_or_else(likely, |suite| vec![suite.clone()]);
        let exact = format!("{}={}", debian.name, debian.version);
        let mut problem = None;
        for (pin, suites) in [(&exact, named), (&debian.name, likely())] {
            for (age, suite) in
                [Age::Any, Age::Fresh].iter().flat_map(|age| suites.iter().map(move |suite| (*age, suite)))
            {
                match self.originals_in(debian, pin, suite, &archives, age) {
                    Ok(files) if *pin == exact && !files.is_empty() => return Ok(files),
                    Ok(mut files) => {
                        files.retain(|file| file.sha256.as_ref() == Some(sha256));
                        if !files.is_empty() {
                            return Ok(files);
                        }
                    }
                    Err(error) => problem = Some(error),
                }
            }
        }
        let (name, version, asked) = (debian.name.clone(), debian.version.clone(), likely().join(", "));
        Err(problem.unwrap_or(AptError::NoVersion { name, version, asked }))
    }

    /// Those first whose lists are here.
    fn by_lists(&self, mut suites: Vec<String>) -> Vec<String> {
        suites.sort_by_key(|suite| !self.has_lists(suite, Kind::Source));
        suites
    }

    fn originals_in(
        &self,
        debian: &Debian,
        pin: &str,
        suite: &str,
        archives: &[Archive],
        age: Age,
    ) -> Result<Vec<Listed>, AptError> {
        let folder = self.lists(suite, Kind::Source, archives, age)?;
        let said = ask(
            &folder,
            &["source", "--print-uris", "--only-source", "-qq", "-o", "Acquire::ForceHash=SHA256", pin],
        );
        let files = match said {
            Ok(said) => listed(&said),
            // Exit 100: this suite has no such version.
            Err(AptError::Failed { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let is_original = |listed: &Listed| match &debian.file {
            Some(file) => listed.file == *file,
            None => records::is_upstream(&listed.file),
        };
        Ok(files.into_iter().filter(is_original).collect())
    }

    /// URLs of a binary, by its path in the archive: no lists needed.
    pub fn pool(&self, pool: &Pool) -> Result<Vec<String>, AptError> {
        let archives = archives(&self.state)?;
        // `+` and `~` stand as they are; `:` is written `%3a` in the pool's names already.
        let path = pool.path.replace('%', "%25");
        Ok(bases(&archives, &pool.suite).iter().map(|base| format!("{base}{path}")).collect())
    }

    /// What `asked` needs in an empty system of `suite`: signatures are checked here, since a seed is pinned by it.
    pub fn resolve(&self, asked: &[String], suite: &str) -> Result<Resolved, AptError> {
        let archives = archives(&self.state)?;
        let folder = self.lists(suite, Kind::Binary, &archives, Age::Fresh)?;
        let mut words = vec![
            "install",
            "--print-uris",
            "-qq",
            "-y",
            "--no-install-recommends",
            "-o",
            "Acquire::ForceHash=SHA256",
            "--",
        ];
        words.extend(asked.iter().map(String::as_str));
        let files = listed(&ask(&folder, &words)?);
        let base = bases(&archives, suite).into_iter().next().ok_or(AptError::NoArchive)?;
        Ok(Resolved { base, files })
    }

    fn folder(&self, suite: &str, kind: Kind) -> PathBuf {
        let kind = if kind == Kind::Source { "source" } else { "binary" };
        self.state.join(format!("{suite}-{kind}"))
    }

    fn has_lists(&self, suite: &str, kind: Kind) -> bool {
        self.folder(suite, kind).join("updated").exists()
    }

    /// The folder with the suite's lists, updated where they are missing or (asked `Fresh`) a day old.
    fn lists(&self, suite: &str, kind: Kind, archives: &[Archive], age: Age) -> Result<PathBuf, AptError> {
        let folder = self.folder(suite, kind);
        make_folder(&folder.join("lists/partial"))?;
        make_folder(&folder.join("cache/archives/partial"))?;
        let state = |source| AptError::State { path: folder.clone(), source };
        // apt itself gives up when its lists are locked; with our own lock the second builder waits, then finds them there.
        let lock = File::create(folder.join("lock")).map_err(state)?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|errno| state(errno.into()))?;
        let stamp = folder.join("updated");
        let is_old = fs::metadata(&stamp)
            .and_then(|stamp| stamp.modified())
            .map(|time| time.elapsed().is_ok_and(|age| age > LISTS_OLD));
        let is_good = match is_old {
            Ok(is_old) => age == Age::Any || !is_old,
            Err(_) => false,
        };
        if !is_good {
            let base = bases(archives, suite).into_iter().next().ok_or(AptError::NoArchive)?;
            configure(&folder, &sources(&base, suite, kind)).map_err(state)?;
            ask(&folder, &["update", "-qq", "--error-on=any"])?;
            fs::write(&stamp, "").map_err(state)?;
        }
        Ok(folder)
    }
}

/// Whoever pins (a seed) checks signatures. Whoever only asks where a file is does not: the recipe's digest decides
/// about the bytes, and a machine of an older release has no key of the newer ones, whose sources it may well build.
fn sources(base: &str, suite: &str, kind: Kind) -> String {
    match kind {
        Kind::Source => format!("deb-src [trusted=yes] {base} {suite} main\n"),
        Kind::Binary => format!("deb [arch=amd64{}] {base} {suite} main\n", signed_by()),
    }
}

/// Debian's own keys by the file's name in each release; where neither is, apt's general trust decides.
fn signed_by() -> String {
    let keys = ["pgp", "gpg"].map(|form| format!("/usr/share/keyrings/debian-archive-keyring.{form}"));
    let there = keys.iter().find(|key| Path::new(key).exists());
    there.map(|key| format!(" signed-by={key}")).unwrap_or_default()
}

/// Read after the system's own configuration (proxies stay), so ours wins. The hooks must go: a container's usual one
/// would delete the *system's* cache after *our* update. Only the lists we use: no translations, no application data.
fn configure(folder: &Path, sources: &str) -> io::Result<()> {
    let at = folder.display();
    fs::write(folder.join("sources.list"), sources)?;
    fs::write(
        folder.join("apt.conf"),
        format!(
            "#clear APT::Update;\n#clear Acquire::IndexTargets::deb::DEP-11;\n\
             Dir::State \"{at}\";\nDir::State::lists \"lists\";\nDir::State::status \"/dev/null\";\n\
             Dir::Cache \"{at}/cache\";\nDir::Cache::archives \"archives\";\n\
             Dir::Etc::sourcelist \"{at}/sources.list\";\nDir::Etc::sourceparts \"/dev/null\";\n\
             Dir::Etc::preferences \"/dev/null\";\nDir::Etc::preferencesparts \"/dev/null\";\n\
             Acquire::Languages \"none\";\nAcquire::Retries \"3\";\nAPT::Sandbox::User \"\";\n"
        ),
    )
}

fn ask(folder: &Path, words: &[&str]) -> Result<String, AptError> {
    let config = folder.join("apt.conf");
    let mut all: Vec<&OsStr> = vec![OsStr::new("-c"), config.as_os_str()];
    all.extend(words.iter().map(OsStr::new));
    run("apt-get", &all)
}

/// Standard output. `LC_ALL=C`: we read what it prints.
fn run<S: AsRef<OsStr>>(program: &str, words: &[S]) -> Result<String, AptError> {
    let output = Command::new(program)
        .args(words)
        .env("LC_ALL", "C")
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|source| AptError::Missing { program: program.to_string(), source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words: Vec<_> = words.iter().map(|word| word.as_ref().to_string_lossy()).collect();
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    Err(AptError::Failed { command: format!("{program} {}", words.join(" ")), said })
}

/// Lines `'URL' FILE SIZE SHA256:HEX`.
fn listed(said: &str) -> Vec<Listed> {
    let line = |line: &str| {
        let (url, rest) = line.strip_prefix('\'')?.split_once('\'')?;
        let mut words = rest.split_whitespace();
        let file = words.next()?.to_string();
        let size_bytes = words.next()?.parse().ok()?;
        let sha256 = words.next().and_then(|hash| kegs::digest::parse_sha256(hash.strip_prefix("SHA256:")?));
        Some(Listed { url: url.to_string(), file, size_bytes, sha256 })
    };
    said.lines().filter_map(line).collect()
}

/// `…deb12u3` is bookworm's, `…deb13u1` trixie's; the rest is likeliest in the newest.
fn likely_suites(version: &str, archives: &[Archive]) -> Vec<String> {
    let bookworm = ["bookworm-security", "bookworm", "bookworm-updates"];
    let trixie = ["trixie-security", "trixie", "trixie-updates"];
    let order: Vec<&str> = match version {
        _ if version.contains("deb12") => bookworm.into_iter().chain(trixie).chain(["sid"]).collect(),
        _ if version.contains("deb13") => trixie.into_iter().chain(["sid"]).chain(bookworm).collect(),
        // Security lists are small, so they are asked on the way.
        _ => ["sid", "trixie-security", "trixie", "bookworm-security", "bookworm"].into(),
    };
    let known = archives.iter().map(|archive| archive.suite.as_str());
    let mut suites: Vec<String> = Vec::new();
    for suite in order.into_iter().chain(known) {
        if !suites.iter().any(|have| have == suite) {
            suites.push(suite.to_string());
        }
    }
    suites
}

fn make_folder(path: &Path) -> Result<(), AptError> {
    fs::create_dir_all(path).map_err(|source| AptError::State { path: path.to_path_buf(), source })
}

/// The proxy that apt is told to use, where it is told one.
pub fn proxy() -> Option<String> {
    let said = run("apt-config", &["shell", "proxy", "Acquire::http::Proxy"]).ok()?;
    let proxy = said.trim().strip_prefix("proxy='")?.strip_suffix('\'')?;
    (!proxy.is_empty() && proxy != "DIRECT").then(|| proxy.to_string())
}
