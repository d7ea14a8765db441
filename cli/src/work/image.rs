//! A role's image: composed, stripped, written, measured against its limits; kept in the store under one key.
//!
//! ```text
//! root.erofs   the read-only root      root.erofs.zst   it, as it is published
//! vmlinuz      the kernel              tree.txt         its text twin
//! facts.json   bytes, files, wire
//! ```

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Instant;

use assembler::role::{Role, limits::measure_of};
use assembler::{Asked, ImageTree, Keg, compose, strip, text, wire, write_erofs};
use builder::plan::Plan;
use kegs::collect::Kept;
use kegs::{Action, Digest, Node, Outcome, Store, Tree};
use serde::{Deserialize, Serialize};

use super::build::Built;
use super::{Target, pid1};
use crate::trouble::{Result, Trouble};

/// Raised when the same role and kegs would compose to other bytes.
const COMPOSE_VERSION: &str = "3";
pub const KERNEL: &str = "boot/vmlinuz";
const ROOT: &str = "root.erofs";
const PACKED: &str = "root.erofs.zst";

/// To pack a root takes 0.6 s a MB: a larger one is packed when it is published, unless its role limits what it weighs.
const WEIGHED_MAX_BYTES: u64 = 64_000_000;

/// An image, in a folder of the store or of a taker.
#[derive(Debug, Clone)]
pub struct Image {
    pub folder: PathBuf,
    pub facts: Facts,
    /// `None`: nothing was composed, it was there.
    pub made: Option<Made>,
}

/// How long it took to make an image.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Made {
    /// Kegs in the store to root and text twin.
    pub assemble_s: f64,
    /// What it has on the wire, which takes longer than all the rest.
    pub weigh_s: f64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Facts {
    pub root_bytes: u64,
    /// `None` where it was not weighed.
    pub root_wire_bytes: Option<u64>,
    pub kernel_bytes: u64,
    pub files: usize,
    pub root_sha256: String,
}

impl Image {
    /// One that lies in a folder.
    pub fn open(folder: &Path) -> Result<Image> {
        let path = folder.join("facts.json");
        let bytes = fs::read(&path).map_err(io("read", &path))?;
        let facts = serde_json::from_slice(&bytes)
            .map_err(|error| Trouble::Failed(format!("{}: {error}", path.display())))?;
        Ok(Image { folder: folder.to_path_buf(), facts, made: None })
    }

    pub fn root(&self) -> PathBuf {
        self.folder.join(ROOT)
    }

    /// The root as it is published; a large one is not packed before.
    pub fn packed(&self) -> Option<PathBuf> {
        self.facts.root_wire_bytes.map(|_| self.folder.join(PACKED))
    }

    pub fn kernel(&self) -> PathBuf {
        self.folder.join("vmlinuz")
    }

    pub fn text(&self) -> PathBuf {
        self.folder.join("tree.txt")
    }

    /// The tree as the text twin tells it: paths, sizes, reasons.
    pub fn tree(&self) -> Result<ImageTree> {
        let path = self.text();
        let twin = fs::read_to_string(&path).map_err(io("read", &path))?;
        text::parse(&twin).map_err(|error| Trouble::Bug(format!("{}: {error}", path.display())))
    }
}

/// The role of a target, which commands on images need.
pub fn role(target: &Target) -> Result<&Role> {
    target
        .role
        .as_ref()
        .ok_or_else(|| Trouble::Failed(format!("`{}` is no role: only roles have images", target.name)))
}

/// The image of a built target; composed when it is not in the store. Whether it keeps its role's limits, `limits` says.
pub fn image(store: &Store, target: &Target, built: &Built) -> Result<Image> {
    let (image, key) = made(store, target, built)?;
    // The last image of a role is kept, whoever made it.
    store.set_root(&format!("image-{}", target.name), &[Kept::Action(key)])?;
    Ok(image)
}

/// The same, judged by nobody and kept by no root; beside it its key.
pub fn made(store: &Store, target: &Target, built: &Built) -> Result<(Image, Digest)> {
    let role = role(target)?;
    let agent = pid1::read(store, target, built)?;
    let keyed = action(target, role, built, &agent).keyed();
    let mut made = None;
    let (outcome, _) = store.once(&keyed, || {
        let begun = Instant::now();
        let folder = store.stage_path("image");
        fs::create_dir(&folder).map_err(io("create", &folder))?;
        let put = make(store, target, role, built, &agent, &folder).and_then(|(times, root)| {
            made = Some(times);
            // Hashed as it was written: a large root is not read and copied a second time.
            Ok(store.put_written(&folder, &[(ROOT.to_string(), root)].into())?.0)
        });
        // The bytes are blobs now, or the failure is the news: the stage is swept either way.
        fs::remove_dir_all(&folder).ok();
        Ok::<_, Trouble>(Outcome::new(put?, begun.elapsed().as_secs_f64()))
    })?;
    Ok((open(store, role, &outcome.output, made)?, keyed.key))
}

/// The stripped tree of a built target with its bytes, as its image is written from; for other formats and papers.
pub fn tree(store: &Store, target: &Target, built: &Built) -> Result<ImageTree> {
    stripped(store, target, role(target)?, built, &pid1::read(store, target, built)?)
}

fn stripped(store: &Store, target: &Target, role: &Role, built: &Built, agent: &[u8]) -> Result<ImageTree> {
    let tree = compose(&Asked::from(role), &kegs(store, target, role, built)?, store, agent)?;
    strip(&tree, store)
        .map_err(|error| Trouble::Failed(format!("cannot strip the image of `{}`: {error}", role.name)))
}

fn open(store: &Store, role: &Role, output: &Digest, made: Option<Made>) -> Result<Image> {
    let folder = store.lay_out(&format!("image-{}", role.name), output)?;
    Ok(Image { made, ..Image::open(&folder)? })
}

/// The key: the role's words, its templates, its kegs and the agent, by content, and what recipes say of a run, which is in
/// no keg.
fn action(target: &Target, role: &Role, built: &Built, agent: &[u8]) -> Action {
    let mut input = Tree::default();
    let mut file = |path: String, bytes: &[u8]| {
        input.insert(path, Node::File { digest: Digest::of(bytes), executable: false });
    };
    file("role.toml".into(), role.text.content.as_bytes());
    file("agent".into(), agent);
    for config in role.configs.values() {
        file(format!("templates/{}", config.value.template), config.value.template_text.as_bytes());
    }
    for node in target.plan.nodes().iter().filter(|node| node.variant.runtime != Default::default()) {
        file(format!("runtime{}", node.variant.keg()), format!("{:?}", node.variant.runtime).as_bytes());
    }
    for (at, node) in target.plan.nodes().iter().enumerate() {
        input.insert(node.variant.keg().trim_start_matches('/'), Node::Tree { root: built.outputs[at] });
    }
    Action {
        arguments: vec!["rootbrew".into(), "image".into(), role.name.clone()],
        environment: [("COMPOSE_VERSION".to_string(), COMPOSE_VERSION.to_string())].into(),
        working_directory: String::new(),
        output: "out".into(),
        platform: Default::default(),
        input,
    }
}

fn make(
    store: &Store,
    target: &Target,
    role: &Role,
    built: &Built,
    agent: &[u8],
    folder: &Path,
) -> Result<(Made, Digest)> {
    let begun = Instant::now();
    let stripped = stripped(store, target, role, built, agent)?;
    let failed = |error: std::io::Error| {
        Trouble::Failed(format!("cannot write the image of `{}`: {error}", role.name))
    };
    let root = folder.join(ROOT);
    let mut out = BufWriter::new(File::create_new(&root).map_err(io("create", &root))?);
    let written = write_erofs(&stripped, store, &mut out).map_err(failed)?;
    std::io::Write::flush(&mut out).map_err(failed)?;
    let path = folder.join("tree.txt");
    fs::write(&path, text::print(&stripped)).map_err(io("write", &path))?;
    let assemble_s = begun.elapsed().as_secs_f64();
    let kernel_bytes = write_kernel(store, target, role, built, &folder.join("vmlinuz"))?;
    let begun = Instant::now();
    let is_weighed =
        written.bytes <= WEIGHED_MAX_BYTES || role.limits.most(measure_of("root_wire")).is_some();
    let wire = is_weighed.then(|| pack(&root, written.bytes, &folder.join(PACKED)));
    let wire = wire.transpose().map_err(failed)?;
    let made = Made { assemble_s, weigh_s: begun.elapsed().as_secs_f64() };
    let facts = Facts {
        root_bytes: written.bytes,
        root_wire_bytes: wire,
        kernel_bytes,
        files: written.files,
        root_sha256: written.digest.hex(),
    };
    let path = folder.join("facts.json");
    fs::write(&path, serde_json::to_vec_pretty(&facts).unwrap_or_default()).map_err(io("write", &path))?;
    Ok((made, written.digest))
}

/// How many bytes came of it.
fn pack(root: &Path, size_bytes: u64, to: &Path) -> std::io::Result<u64> {
    wire::pack(File::open(root)?, size_bytes, File::create_new(to)?)?.metadata().map(|packed| packed.len())
}

fn write_kernel(store: &Store, target: &Target, role: &Role, built: &Built, path: &Path) -> Result<u64> {
    let Some(kernel) = &role.kernel else {
        return Err(Trouble::Failed(format!(
            "role `{}` names no kernel: add `kernel = \"linux\"`",
            role.name
        )));
    };
    let at = place(&target.plan, &kernel.name)
        .ok_or_else(|| Trouble::Bug("the kernel is not in the plan".into()))?;
    let tree = store.tree(&built.outputs[at])?;
    let Some(Node::File { digest, .. }) = tree.nodes.get(KERNEL) else {
        return Err(Trouble::Failed(format!(
            "keg `{}` has no {KERNEL}: a kernel's recipe installs it there",
            kernel.name
        )));
    };
    fs::write(path, store.get(digest)?).map_err(io("write", path))?;
    Ok(digest.size_bytes)
}

pub fn place(plan: &Plan, name: &str) -> Option<usize> {
    let wanted = plan.wanted().iter().copied();
    wanted.into_iter().find(|&at| {
        let variant = &plan.nodes()[at].variant;
        variant.name == name || variant.provides.iter().any(|provided| provided == name)
    })
}

/// The kegs that the role's own may need when they run; the kernel and the agent are none.
fn kegs(store: &Store, target: &Target, role: &Role, built: &Built) -> Result<Vec<Keg>> {
    let plan = &target.plan;
    let kernel = role.kernel.as_ref().and_then(|kernel| place(plan, &kernel.name));
    let apart = [kernel, pid1::place(plan)];
    let own = plan.wanted().iter().copied().filter(|at| !apart.contains(&Some(*at)));
    let mut places: Vec<usize> = own.flat_map(|at| plan.run_closure(at)).collect();
    places.sort();
    places.dedup();
    store.bring(&places.iter().map(|&at| built.outputs[at]).collect::<Vec<_>>())?;
    let keg = |at: usize| Ok(workbench::ask::keg(store, plan, at, &built.outputs[at])?);
    places.into_iter().map(keg).collect()
}

fn io<'a>(tried: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> Trouble + 'a {
    move |error| Trouble::Failed(format!("cannot {tried} {}: {error}", path.display()))
}
