//! A keg's program that makes a format: the keg built as any other, the program run in the ordinary sandbox, where there is
//! nothing but the keg and the tree as a tar. Its key is all that it sees.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use assembler::format::Order;
use assembler::format::order::{INPUT, OUTPUT};
use builder::sandbox::{self, Bind, Build, Face, Limits, Setup};
use kegs::{Action, Digest, Node, Store, StoreError, Tree};
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

use super::{build, ground};
use crate::context::Context;
use crate::trouble::{Result, Trouble};

/// A keg that is built, with what it needs to run.
pub struct Tool {
    /// Its prefix and the program in it.
    program: String,
    /// Prefix, label, root; its own first.
    kegs: Vec<(String, String, Digest)>,
}

/// The tool of an order, built when it is not in the store.
pub fn tool(context: &Context, store: &Store, order: &Order) -> Result<Tool> {
    let profile = ground::profile(context)?;
    let implied = ground::implied(&profile);
    let tap = super::tap(context, &implied)?;
    if !tap.catalogue.recipes.contains_key(order.keg) {
        let message =
            format!("this format is made by the keg `{}`, and the tap has no such recipe", order.keg);
        return Err(Trouble::Failed(message));
    }
    let target = tap.recipes_target(&[order.keg.to_string()], &implied)?;
    let ground = ground::known(context, store, profile, [&target.plan])?;
    let built = build::build(context, store, &ground, &target)?;
    let at = target.plan.wanted()[0];
    let mut places = vec![at];
    places.extend(target.plan.run_closure(at).into_iter().filter(|place| *place != at));
    let bound = |&place: &usize| {
        let node = &target.plan.nodes()[place];
        (node.variant.keg(), node.label(), built.outputs[place])
    };
    let kegs: Vec<_> = places.iter().map(bound).collect();
    Ok(Tool { program: format!("{}/{}", kegs[0].0, order.program), kegs })
}

impl Tool {
    /// All that it may observe: its key is this one's digest.
    pub fn action(&self, order: &Order, tar: &Digest) -> Action {
        let mut input = Tree::default();
        for (prefix, _, root) in &self.kegs {
            input.insert(prefix.trim_start_matches('/'), Node::Tree { root: *root });
        }
        input.insert(INPUT.trim_start_matches('/'), Node::File { digest: *tar, executable: false });
        Action {
            arguments: self.arguments(order),
            environment: order.environment.iter().cloned().collect(),
            working_directory: "build".into(),
            output: OUTPUT.trim_start_matches("/build/").into(),
            platform: Default::default(),
            input,
        }
    }

    /// Runs it; the digest of what it made, a blob by then.
    pub fn run(&self, context: &Context, store: &Store, order: &Order, tar: &Digest) -> Result<Digest> {
        let build = store.stage_path("format");
        fs::create_dir(&build).map_err(|error| tried("create", &build, error))?;
        let made = self.run_in(context, store, order, tar, &build);
        // What it made is a blob, or the failure is the news.
        fs::remove_dir_all(&build).ok();
        made
    }

    fn run_in(
        &self,
        context: &Context,
        store: &Store,
        order: &Order,
        tar: &Digest,
        build: &Path,
    ) -> Result<Digest> {
        let log_path = store.stage_path("format-log");
        let log = File::options().read(true).append(true).create_new(true).open(&log_path);
        let log = log.map_err(|error| tried("create", &log_path, error))?;
        fs::remove_file(&log_path).map_err(|error| tried("remove", &log_path, error))?;
        let setup = self.setup(store, order, tar, build)?;
        let running = sandbox::start(&setup, log.as_fd())?;
        let canceller = running.canceller();
        context.cancel.on_cancel(move || canceller.cancel());
        let ended = running.wait()?;
        if context.cancel.is_said() {
            return Err(Trouble::Cancelled);
        }
        if !ended.end.is_success() {
            let said = said(&log);
            return Err(Trouble::Failed(format!("{} {}\n{said}", self.program, ended.end)));
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
        let name = OUTPUT.trim_start_matches("/build/");
        let image = openat2(&ended.build, name, flags, Mode::empty(), resolve).map_err(|error| {
            Trouble::Failed(format!("{} ended well and left no image: {error}", self.program))
        })?;
        Ok(store.put_reader(File::from(image))?)
    }

    fn setup(&self, store: &Store, order: &Order, tar: &Digest, build: &Path) -> Result<Setup> {
        let mut binds = Vec::new();
        for (to, label, root) in &self.kegs {
            binds.push(Bind { from: store.lay_out(label, root)?, to: to.clone() });
        }
        let from = store.found(tar).ok_or(StoreError::Missing(*tar))?;
        binds.push(Bind { from, to: INPUT.into() });
        Ok(Setup {
            binds,
            links: Vec::new(),
            build: Build::Folder(build.to_path_buf()),
            stage: Vec::new(),
            argv: self.arguments(order),
            env: order.environment.clone(),
            cwd: "/build".into(),
            // A tool of this kind holds its metadata and a window of data.
            limits: Limits { output_bytes: order.bytes_max.max(64 << 20), ..Limits::default() },
            jobserver: None,
            face: Face::default(),
        })
    }

    fn arguments(&self, order: &Order) -> Vec<String> {
        [self.program.clone()].into_iter().chain(order.arguments.iter().cloned()).collect()
    }
}

/// 64 KiB: what a tool says when it fails is short.
fn said(log: &File) -> String {
    let mut bytes = vec![0; 64 << 10];
    let count = log.read_at(&mut bytes, 0).unwrap_or(0);
    String::from_utf8_lossy(&bytes[..count]).trim_end().to_string()
}

fn tried(what: &str, path: &Path, error: std::io::Error) -> Trouble {
    Trouble::Failed(format!("cannot {what} {}: {error}", path.display()))
}
