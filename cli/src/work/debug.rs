//! The debug volume of a composed role: its image's programs looked up in the store's index, the tools built, one erofs
//! written; kept under the key of its content.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::PathBuf;
use std::time::Instant;

use assembler::debug::{Program, Wanted, lacking, programs, volume as tree_of};
use assembler::{Asked, ImageTree, Keg, Program as Run, compose, strip, write_erofs};
use kegs::collect::Kept;
use kegs::{Action, Digest, Outcome, Store, Tree};
use workbench::debug::Index;

use super::composed::Composed;
use super::{build, ground, image};
use crate::context::Context;
use crate::trouble::{Result, Trouble};

/// What is in every volume. ncurses: what bash and gdb are told of terminals.
const TOOLS: [&str; 5] = ["bash", "busybox", "gdb", "ncurses", "strace"];
/// Who gives way where two kegs have a program of one name.
const LAST: &str = "busybox";
const FILE: &str = "debug.erofs";

pub struct Volume {
    pub path: PathBuf,
    pub bytes: u64,
    /// Programs of the image of which it tells.
    pub told: usize,
    /// And those of which it does not.
    pub lacking: Vec<Program>,
}

/// The volume of a role's image, and with these recipes' programs; made when it is not in the store.
pub fn volume(context: &Context, composed: &Composed, packages: &[String]) -> Result<Volume> {
    let Composed { store, target, built, image, .. } = composed;
    let failed = |error: std::io::Error| {
        Trouble::Failed(format!("cannot read the image of `{}`: {error}", target.name))
    };
    let programs = programs(&image::tree(store, target, built)?, store).map_err(failed)?;
    let debug = known(store, &programs)?;
    let tools = tools(context, store, packages)?;
    let wanted = Wanted {
        role: &target.name,
        image_sha256: &image.facts.root_sha256,
        programs: &programs,
        debug: &debug,
        tools: &tools,
    };
    let tree = tree_of(&wanted).map_err(|refused| Trouble::Bug(format!("the debug volume: {refused}")))?;
    let path = written(store, &target.name, &tree)?;
    let bytes = path.metadata().map_err(failed)?.len();
    let lacking: Vec<Program> = lacking(&programs, &debug).into_iter().cloned().collect();
    Ok(Volume { path, bytes, told: programs.len() - lacking.len(), lacking })
}

/// What the store has for debuggers of each program.
fn known(store: &Store, programs: &[Program]) -> Result<BTreeMap<String, Digest>> {
    let index = Index::of(store)?;
    let ids = programs.iter().filter_map(|program| program.build_id.as_ref());
    Ok(ids.filter_map(|id| Some((id.clone(), index.get(id)?.debug))).collect())
}

/// Every program of these kegs, with what it reaches.
fn tools(context: &Context, store: &Store, packages: &[String]) -> Result<ImageTree> {
    let profile = ground::profile(context)?;
    let implied = ground::implied(&profile);
    let mut names: BTreeSet<String> = TOOLS.map(str::to_string).into();
    names.extend(packages.iter().cloned());
    let names: Vec<String> = names.into_iter().collect();
    let target = super::tap(context, &implied)?.recipes_target(&names, &implied)?;
    let ground = ground::known(context, store, profile, [&target.plan])?;
    let built = build::build(context, store, &ground, &target)?;
    let wanted = target.plan.wanted().iter();
    let mut places: Vec<usize> = wanted.flat_map(|&at| target.plan.run_closure(at)).collect();
    places.sort();
    places.dedup();
    store.bring(&places.iter().map(|&at| built.outputs[at]).collect::<Vec<_>>())?;
    let kegs = places.into_iter().map(|at| workbench::ask::keg(store, &target.plan, at, &built.outputs[at]));
    let kegs: Vec<Keg> = kegs.collect::<std::result::Result<_, _>>()?;
    let tree = compose(&asked(&names, &kegs), &kegs, store, b"")
        .map_err(|error| Trouble::Failed(format!("the debug volume: {error}")))?;
    strip(&tree, store).map_err(|error| Trouble::Failed(format!("cannot strip the debug volume: {error}")))
}

fn asked(names: &[String], kegs: &[Keg]) -> Asked {
    let mut by_program: BTreeMap<&str, Vec<&Keg>> = BTreeMap::new();
    for keg in kegs.iter().filter(|keg| names.iter().any(|name| keg.is_called(name))) {
        let programs = keg.tree.nodes.keys().filter_map(|path| {
            path.strip_prefix("bin/")
                .or_else(|| path.strip_prefix("sbin/"))
                .filter(|name| !name.contains('/'))
        });
        programs.for_each(|name| by_program.entry(name).or_default().push(keg));
    }
    let first =
        |kegs: &[&Keg]| kegs.iter().find(|keg| keg.name != LAST).or(kegs.first()).map(|keg| keg.called());
    let prefer =
        by_program.iter().filter_map(|(name, kegs)| Some((name.to_string(), first(kegs)?))).collect();
    // Where programs of some kegs stand besides; the volume links them.
    let besides = kegs.iter().flat_map(|keg| {
        let folders = ["usr/bin", "usr/sbin"].into_iter();
        let has = |folder: &&str| keg.tree.nodes.keys().any(|path| path.starts_with(&format!("{folder}/")));
        folders.filter(has).map(|folder| format!("/{}/{folder}", keg.place()))
    });
    let files = besides.chain(["/kegs/ncurses/0/share/terminfo".to_string()]).collect();
    Asked {
        role: "debug".into(),
        kegs: names.to_vec(),
        programs: by_program
            .keys()
            .map(|name| Run { name: name.to_string(), by: "the debug volume".into() })
            .collect(),
        files,
        prefer,
        ..Asked::default()
    }
}

/// Under the key of its tree, whose code `ImageTree::key` counts.
fn written(store: &Store, role: &str, tree: &ImageTree) -> Result<PathBuf> {
    let action = Action {
        arguments: vec!["rootbrew".into(), "debug".into(), tree.key().hex()],
        environment: Default::default(),
        working_directory: String::new(),
        output: "out".into(),
        platform: Default::default(),
        input: Tree::default(),
    };
    let keyed = action.keyed();
    let (outcome, _) = store.once(&keyed, || {
        let begun = Instant::now();
        let folder = store.stage_path("debug");
        let put = write(store, tree, &folder);
        // The bytes are blobs now, or the failure is the news.
        fs::remove_dir_all(&folder).ok();
        Ok::<_, Trouble>(Outcome::new(put?, begun.elapsed().as_secs_f64()))
    })?;
    store.set_root(&format!("debug-{role}"), &[Kept::Action(keyed.key)])?;
    Ok(store.lay_out(&format!("debug-{role}"), &outcome.output)?.join(FILE))
}

fn write(store: &Store, tree: &ImageTree, folder: &std::path::Path) -> Result<Digest> {
    let failed = |error: std::io::Error| Trouble::Failed(format!("cannot write the debug volume: {error}"));
    fs::create_dir(folder).map_err(failed)?;
    let mut out = BufWriter::new(File::create_new(folder.join(FILE)).map_err(failed)?);
    let facts = write_erofs(tree, store, &mut out).map_err(failed)?;
    out.into_inner().map_err(|error| failed(error.into_error()))?;
    Ok(store.put_written(folder, &[(FILE.to_string(), facts.digest)].into())?.0)
}
