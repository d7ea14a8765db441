//! What a keg costs over its bare commands: `rootbrew build zlib` with an empty result, beside the same build script run
//! again and again in one sandbox that stays: same tree, same compiler, same tmpfs, nothing started, hashed or committed.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use builder::plan::{Asked, AskedKeg, Implied, Plan, plan};
use builder::sandbox::{self, Face, Limits, Running};
use builder::schedule::action::Ground;
use builder::schedule::again;
use builder::schedule::execute::{Execution, Manner, Place};
use builder::schedule::outlook::{Outlook, outlook};
use builder::{preset, recipe};
use kegs::{Digest, Node, Store, Text};

use crate::table::{Times, row};
use crate::{Result, Wish, warm};

const KEG: &str = "zlib";

pub fn run(wish: &Wish) -> Result<()> {
    let copy = warm::copy(&wish.store)?;
    let build = || warm::succeed(&mut warm::rootbrew(wish, copy.path(), &["--json", "build", KEG]));
    build()?;
    let store = Store::open(copy.path())?;
    let bare = Bare::new(&store)?;
    let (mut whole, mut commands, mut own) = (Times::default(), Times::default(), Times::default());
    let mut around = Times::default();
    for _ in 0..wish.rounds(10) {
        forget(&store, &bare.key, &bare.output)?;
        let begun = Instant::now();
        let built = built(&whole.time(build)?.stdout)?;
        let whole_ms = begun.elapsed().as_secs_f64() * 1e3;
        own.push(built.own_ms);
        around.push(whole_ms - (built.wall_ms - built.own_ms));
        commands.time(|| bare.run())?;
    }
    row("rootbrew build zlib, nothing of it in store", "", &whole, &whole);
    row("its script alone, in a standing sandbox", "", &commands, &whole);
    // A compiler's own time scatters by more than all of this: so what surrounds it is measured by itself, too.
    row("own_s: sandbox, hashing, commit", "60 ms", &own, &whole);
    row("all of rootbrew but the command's run", "60 ms", &around, &whole);
    println!("{:<44} {:>10} {:>7.2} ms", "minimum less minimum", "60 ms", whole.min() - commands.min());
    Ok(())
}

/// As if it had never been built: no result, none of its files, no folder laid out.
fn forget(store: &Store, key: &Digest, output: &Digest) -> Result<()> {
    let mut blobs: Vec<Digest> =
        store.tree(output)?.merkle().directories.iter().map(|(digest, _)| *digest).collect();
    blobs.extend(store.tree(output)?.nodes.values().filter_map(|node| match node {
        Node::File { digest, .. } => Some(*digest),
        _ => None,
    }));
    store.forget_result(key)?;
    for path in
        blobs.iter().flat_map(|blob| [false, true].map(|executable| store.blob_path(blob, executable)))
    {
        // The same blob may be named twice, and is there in one form only.
        if path.exists() {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// What the `built` event says: all of the execution, and of it what was ours.
struct Built {
    wall_ms: f64,
    own_ms: f64,
}

fn built(events: &[u8]) -> Result<Built> {
    for line in events.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let event: serde_json::Value = serde_json::from_slice(line)?;
        if event["event"] == "built" && event["keg"] == KEG {
            let ms =
                |name: &str| event[name].as_f64().map(|s| s * 1e3).ok_or(format!("`{name}` is no number"));
            return Ok(Built { wall_ms: ms("wall_s")?, own_ms: ms("own_s")? });
        }
    }
    Err("no `built` event: the keg was in the store".into())
}

/// The keg's own sandbox, standing: it runs the script each time that a byte comes through its fifo.
struct Bare {
    key: Digest,
    output: Digest,
    go: File,
    said: std::cell::RefCell<BufReader<File>>,
    // Dropped, it ends the sandbox.
    _running: Running,
    _fifo: tempfile::TempDir,
}

impl Bare {
    fn new(store: &Store) -> Result<Bare> {
        let (plan, ground) = (planned()?, ground(store)?);
        let at = plan.wanted()[0];
        let outlooks = outlook(&plan, store, &ground)?;
        let results: Vec<Option<(Digest, Digest)>> = outlooks.iter().map(result).collect();
        let (key, output) = results[at].ok_or("the keg is not in the store")?;
        let outputs: Vec<Option<Digest>> =
            results.iter().map(|result| result.map(|(_, output)| output)).collect();
        let prepared = again::prepared(&plan, at, store, &ground, &outputs)?;
        let (prepared, keyed) = prepared.ok_or("the keg's source is not known")?;
        let folder = tempfile::tempdir()?;
        let fifo = folder.path().join("go");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o666.into(), 0)?;
        let manner =
            Manner { face: Face::default(), build: Place::Memory, jobs: 2, limits: Limits::default() };
        let execution = Execution {
            store,
            ground: &ground,
            prepared: &prepared,
            keyed: &keyed,
            keg: KEG,
            fifo: None,
            manner: &manner,
            cancel: &AtomicBool::new(false),
            running: &|_| (),
            step: &|_| (),
        };
        execution.put_inputs()?;
        let mut setup = execution.setup(sandbox::Build::Memory)?;
        setup.jobserver = Some(fifo.clone());
        let script = setup.argv.join(" ");
        let lines = "while read _ <&3; do rm -rf /build/* /tmp/*; (exec 3<&-; $0) >/tmp/log 2>&1 && echo done || echo failed; done";
        setup.argv = ["/bin/sh", "-c", &format!("exec 3<>/run/jobserver; {}", lines.replace("$0", &script))]
            .map(Into::into)
            .into();
        let (said, says) = rustix::pipe::pipe()?;
        let running = sandbox::start(&setup, says.as_fd())?;
        let go = OpenOptions::new().read(true).write(true).open(&fifo)?;
        let said = BufReader::new(File::from(said)).into();
        Ok(Bare { key, output, go, said, _running: running, _fifo: folder })
    }

    fn run(&self) -> Result<()> {
        (&self.go).write_all(b"\n")?;
        let mut line = String::new();
        self.said.borrow_mut().read_line(&mut line)?;
        if line == "done\n" { Ok(()) } else { Err(format!("the bare script: {line:?}").into()) }
    }
}

fn result(outlook: &Outlook) -> Option<(Digest, Digest)> {
    match outlook {
        Outlook::InStore { key, outcome } => Some((*key, outcome.output)),
        _ => None,
    }
}

fn profile() -> Result<preset::Profile> {
    let path = warm::tap().join("toolchains/seed.toml");
    let text = fs::read_to_string(&path)?;
    preset::profile("seed", &Text::new(path, &text)).map_err(|faults| format!("{faults:?}").into())
}

fn planned() -> Result<Plan> {
    let catalogue = recipe::load(warm::tap()).map_err(|faults| format!("{faults:?}"))?;
    let text = Text::new("benchmark", KEG);
    let keg = AskedKeg { name: KEG.into(), slot: None, text, span: 0..KEG.len() };
    let asked = Asked { kegs: vec![keg], arch: std::env::consts::ARCH.into(), ..Asked::default() };
    plan(&catalogue, &asked, &Implied { cc: profile()?.cc, ..Implied::default() })
        .map_err(|faults| format!("{faults:?}").into())
}

/// The seed as the store has it: the action that unpacked it says so in its environment.
fn ground(store: &Store) -> Result<Ground> {
    for key in store.actions()? {
        let is_seed = store
            .environment(&key)?
            .get("KEG")
            .is_some_and(|keg| Path::new(keg) == Path::new("/kegs/seed/0"));
        if let (true, Some(outcome)) = (is_seed, store.result(&key)) {
            return Ok({
                let profile = profile()?;
                let seeds = [(profile.seed.clone(), outcome.output)].into();
                Ground::new(store, profile, &seeds)?
            });
        }
    }
    Err("no seed in the store".into())
}
