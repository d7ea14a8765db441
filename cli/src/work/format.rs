//! A role's image in another format: written from its tree, or by a keg's tool in the sandbox; kept in the store under one
//! key (format, version, what it is made of), so that the second time nothing runs.
//!
//! ```text
//! image ─▶ tree ─▶ erofs squashfs cpio tar                    by the assembler
//!                  tar ─▶ erofs-lz4 erofs-zstd ext4           by a tool (tool.rs)
//!          tree + role ─▶ oci ─▶ oci-archive                  by the assembler
//! ```
//! `folder` is what is asked for itself, so there is nothing to keep.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use assembler::content::Content;
use assembler::format::{self, order};
use assembler::oci::{self, Compression, Layers, Mount};
use assembler::{ImageTree, write_erofs};
use kegs::collect::Kept;
use kegs::{Action, Digest, Node, Outcome, Store, Tree};

use super::build::Built;
use super::{Target, image, tool};
use crate::context::Context;
use crate::trouble::{Result, Trouble};

/// Raised for a format whose bytes would come out otherwise from the same tree.
const VERSION: &str = "1";

/// What may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Format {
    /// The root as it is booted
    Erofs,
    /// erofs, compressed by lz4
    ErofsLz4,
    /// erofs, compressed by zstd
    ErofsZstd,
    /// Compressed by zstd
    Squashfs,
    /// No journal, just as large as needed
    Ext4,
    /// An initramfs
    Cpio,
    Tar,
    /// Laid out below a folder
    Folder,
    /// A container image's layout, for skopeo, podman and registries
    Oci,
    /// The same as one file, for `docker load`
    OciArchive,
}

/// How a container is made.
#[derive(Debug, Clone, Default)]
pub struct ContainerWish {
    pub service: Option<String>,
    pub layers: Layers,
    pub compression: Compression,
}

/// One format of an image, in the store.
pub struct Made {
    pub tree: Tree,
    pub found: bool,
    pub wall_s: f64,
    /// What who starts the container must give.
    pub mounts: Vec<Mount>,
}

impl Format {
    pub fn word(self) -> &'static str {
        match self {
            Format::Erofs => "erofs",
            Format::ErofsLz4 => "erofs-lz4",
            Format::ErofsZstd => "erofs-zstd",
            Format::Squashfs => "squashfs",
            Format::Ext4 => "ext4",
            Format::Cpio => "cpio",
            Format::Tar => "tar",
            Format::Folder => "folder",
            Format::Oci => "oci",
            Format::OciArchive => "oci-archive",
        }
    }

    /// The name of a role in this format, where none is given.
    pub fn file_name(self, role: &str) -> String {
        match self {
            Format::ErofsLz4 => format!("{role}.lz4.erofs"),
            Format::ErofsZstd => format!("{role}.zstd.erofs"),
            Format::OciArchive => format!("{role}.oci.tar"),
            Format::Folder => format!("{role}.root"),
            format => format!("{role}.{}", format.word()),
        }
    }

    /// Whether it is a folder and no file.
    pub fn is_folder(self) -> bool {
        matches!(self, Format::Folder | Format::Oci)
    }
}

/// The one file of a format that is one.
pub const FILE: &str = "image";

/// An image that is there, and all that other formats are made of.
pub struct Source<'a> {
    pub context: &'a Context,
    pub store: &'a Store,
    pub target: &'a Target,
    pub built: &'a Built,
    /// As its text twin has it: for keys, not for bytes.
    pub twin: ImageTree,
}

impl Source<'_> {
    /// The image in a format, written when it is not in the store.
    pub fn make(&self, format: Format, wish: &ContainerWish) -> Result<Made> {
        match format {
            Format::Erofs => self.written(format, |tree, out| write_erofs(tree, self.store, out).map(drop)),
            Format::Tar => self.written(format, |tree, out| format::write_tar(tree, self.store, out)),
            Format::Cpio => self.written(format, |tree, out| format::write_cpio(tree, self.store, out)),
            Format::Squashfs => {
                self.written(format, |tree, out| format::write_squashfs(tree, self.store, out))
            }
            Format::ErofsLz4 => self.by_tool(format, &order::erofs(&self.twin, order::Compression::Lz4)),
            Format::ErofsZstd => self.by_tool(format, &order::erofs(&self.twin, order::Compression::Zstd)),
            Format::Ext4 => self.by_tool(format, &order::ext4(&self.twin)),
            Format::Oci | Format::OciArchive => self.container(format, wish),
            Format::Folder => Err(Trouble::Bug("a folder is not kept in the store".into())),
        }
    }

    /// The tree with the bytes that were made for it.
    pub fn tree(&self) -> Result<ImageTree> {
        image::tree(self.store, self.target, self.built)
    }

    fn written(
        &self,
        format: Format,
        write: impl Fn(&ImageTree, &mut BufWriter<File>) -> std::io::Result<()>,
    ) -> Result<Made> {
        let input = [("tree", self.twin.key())];
        self.kept(format, &[], &input, |folder| {
            let tree = self.tree()?;
            let path = folder.join(FILE);
            let mut out = BufWriter::new(File::create_new(&path).map_err(tried(&path))?);
            write(&tree, &mut out).and_then(|()| out.flush()).map_err(tried(&path))
        })
    }

    fn by_tool(&self, format: Format, order: &format::Order) -> Result<Made> {
        let tar = self.make(Format::Tar, &ContainerWish::default())?;
        let tar = file(&tar.tree)?;
        let tool = tool::tool(self.context, self.store, order)?;
        self.once(format, &tool.action(order, &tar), || {
            let digest = tool.run(self.context, self.store, order, &tar)?;
            let mut tree = Tree::default();
            tree.insert(FILE, Node::File { digest, executable: false });
            Ok(self.store.put_tree(&tree)?)
        })
    }

    fn container(&self, format: Format, wish: &ContainerWish) -> Result<Made> {
        let role = image::role(self.target)?;
        let version = self.version();
        let (container, twin, rendered) =
            oci::container(role, wish.service.as_deref(), &version, &self.twin).map_err(failed)?;
        let words = [container.service.as_str(), &format!("{:?} {:?}", wish.layers, wish.compression)];
        let described = serde_json::to_vec(&container).map_err(|error| Trouble::Bug(error.to_string()))?;
        let input = [("tree", twin.key()), ("container", Digest::of(&described))];
        let mut made = self.kept(format, &words, &input, |folder| {
            let (_, tree, _) =
                oci::container(role, wish.service.as_deref(), &version, &self.tree()?).map_err(failed)?;
            let how = (wish.layers, wish.compression);
            match format {
                Format::Oci => write_layout(&container, &tree, self.store, how, folder).map(drop),
                _ => write_archive(&container, &tree, self.store, how, folder),
            }
        })?;
        made.mounts = rendered.mounts;
        Ok(made)
    }

    /// Of the first keg that the role names: what the machine is about.
    fn version(&self) -> String {
        let plan = &self.target.plan;
        plan.wanted().first().map_or(String::new(), |&at| plan.nodes()[at].variant.version.to_string())
    }

    fn kept(
        &self,
        format: Format,
        words: &[&str],
        input: &[(&str, Digest)],
        write: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Made> {
        self.once(format, &action(format, words, input), || {
            let folder = self.store.stage_path("format");
            fs::create_dir(&folder).map_err(tried(&folder))?;
            let put = write(&folder).and_then(|()| Ok(self.store.put_folder(&folder)?.0));
            // The bytes are blobs now, or the failure is the news: the stage is swept either way.
            fs::remove_dir_all(&folder).ok();
            put
        })
    }

    fn once(&self, format: Format, action: &Action, make: impl FnOnce() -> Result<Digest>) -> Result<Made> {
        let keyed = action.keyed();
        let (outcome, found) = self.store.once(&keyed, || {
            let begun = Instant::now();
            Ok::<_, Trouble>(Outcome::new(make()?, begun.elapsed().as_secs_f64()))
        })?;
        if !found {
            self.store.set_root(&self.root_name(format), &[Kept::Action(keyed.key)])?;
        }
        let (tree, wall_s) = (self.store.tree(&outcome.output)?, if found { 0.0 } else { outcome.wall_s });
        Ok(Made { tree, found, wall_s, mounts: Vec::new() })
    }

    fn root_name(&self, format: Format) -> String {
        format!("image-{}-as-{}", self.target.name, format.word())
    }
}

/// The digest of a format's one file.
pub fn file(tree: &Tree) -> Result<Digest> {
    match tree.nodes.get(FILE) {
        Some(Node::File { digest, .. }) => Ok(*digest),
        _ => Err(Trouble::Bug(format!("a format's result has no `{FILE}`"))),
    }
}

fn action(format: Format, words: &[&str], input: &[(&str, Digest)]) -> Action {
    let mut tree = Tree::default();
    for (name, digest) in input {
        tree.insert(*name, Node::File { digest: *digest, executable: false });
    }
    let asked = ["rootbrew", "image", "--as", format.word()];
    Action {
        arguments: asked.iter().chain(words).map(|word| word.to_string()).collect(),
        environment: [("FORMAT_VERSION".to_string(), VERSION.to_string())].into(),
        working_directory: String::new(),
        output: "out".into(),
        platform: Default::default(),
        input: tree,
    }
}

fn write_layout(
    container: &oci::Container,
    tree: &ImageTree,
    content: &dyn Content,
    how: (Layers, Compression),
    folder: &Path,
) -> Result<oci::Image> {
    oci::write_layout(container, tree, content, how, folder).map_err(tried(folder))
}

/// The layout beside, gone when it is in the archive.
fn write_archive(
    container: &oci::Container,
    tree: &ImageTree,
    content: &dyn Content,
    how: (Layers, Compression),
    folder: &Path,
) -> Result<()> {
    let layout = folder.join("layout");
    let image = write_layout(container, tree, content, how, &layout)?;
    let path = folder.join(FILE);
    let mut out = BufWriter::new(File::create_new(&path).map_err(tried(&path))?);
    oci::write_archive(&layout, &image, &container.role, &mut out)
        .and_then(|()| out.flush())
        .map_err(tried(&path))?;
    fs::remove_dir_all(&layout).map_err(tried(&layout))
}

fn failed(error: oci::ContainerError) -> Trouble {
    Trouble::Failed(error.to_string())
}

fn tried(path: &Path) -> impl FnOnce(std::io::Error) -> Trouble {
    let path: PathBuf = path.to_path_buf();
    move |error| Trouble::Failed(format!("cannot write {}: {error}", path.display()))
}
