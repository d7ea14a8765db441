//! `rootbrew image ROLE --as FORMAT`: a role's image in the formats of others, each written beside its place and renamed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use assembler::format::write_folder;
use assembler::oci::{Compression, Layers};
use kegs::{Node, Store, Tree};

use crate::context::Context;
use crate::terminal::{bytes, data, event, seconds, talk};
use crate::trouble::{Result, Trouble};
use crate::work;
use crate::work::composed::composed;
use crate::work::format::{self, ContainerWish, Format, Source};

/// What the command line says of formats.
#[derive(Debug, clap::Args)]
pub struct Other {
    /// In this format, made from the image's tree; may be given more than once
    #[arg(long = "as", value_name = "FORMAT", conflicts_with_all = ["to", "text"])]
    pub formats: Vec<Format>,
    /// Where to: a file or a folder's name; with several formats a folder for them [default: here, by the role's name]
    #[arg(short, long, value_name = "FILE|DIR", requires = "formats")]
    pub output: Option<PathBuf>,
    /// Which service a container runs [default: the only one]
    #[arg(long, value_name = "NAME", requires = "formats")]
    service: Option<String>,
    /// A container's layers: one, or one a keg, which registries then share
    #[arg(long, value_name = "HOW", requires = "formats", default_value = "one")]
    layers: LayersWord,
    /// How they are compressed
    #[arg(long, value_name = "HOW", requires = "formats", default_value = "gzip")]
    compression: CompressionWord,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum LayersWord {
    One,
    Keg,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum CompressionWord {
    Gzip,
    Zstd,
}

/// The same, for one role.
pub struct Wish {
    role: String,
    formats: Vec<Format>,
    output: Option<PathBuf>,
    container: ContainerWish,
}

impl Other {
    pub fn wish(self, role: String) -> Wish {
        let layers = match self.layers {
            LayersWord::One => Layers::One,
            LayersWord::Keg => Layers::Keg,
        };
        let compression = match self.compression {
            CompressionWord::Gzip => Compression::Gzip,
            CompressionWord::Zstd => Compression::Zstd,
        };
        let container = ContainerWish { service: self.service, layers, compression };
        Wish { role, formats: self.formats, output: self.output, container }
    }
}

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let composed = composed(context, &wish.role)?.within_limits()?;
    let source = Source {
        context,
        store: &composed.store,
        target: &composed.target,
        built: &composed.built,
        twin: composed.image.tree()?,
    };
    for &format in &wish.formats {
        let to = place(wish, format);
        one(&source, format, wish, &to)?;
    }
    Ok(())
}

/// `-o` is the one thing's own name, or the folder of several; `out/` is a folder for a file too.
fn place(wish: &Wish, format: Format) -> PathBuf {
    let name = format.file_name(&wish.role);
    match &wish.output {
        None => PathBuf::from(name),
        Some(output) if wish.formats.len() > 1 => output.join(name),
        Some(output) if !format.is_folder() && work::is_folder(output) => output.join(name),
        Some(output) => output.clone(),
    }
}

fn one(source: &Source, format: Format, wish: &Wish, to: &Path) -> Result<()> {
    let aside = aside(to)?;
    let done = match format {
        Format::Folder => folder(source, &aside),
        format => copied(source, format, wish, &aside),
    };
    let named = done.and_then(|said| {
        rename(&aside, to)?;
        Ok(said)
    });
    if named.is_err() {
        // What is half is nobody's; the failure is the news.
        remove(&aside);
    }
    say(source.context, format, wish, to, &named?);
    Ok(())
}

/// What was written.
struct Written {
    bytes: u64,
    wall_s: Option<f64>,
    /// What the reader must know, a line each.
    notes: Vec<String>,
}

fn copied(source: &Source, format: Format, wish: &Wish, aside: &Path) -> Result<Written> {
    let made = source.make(format, &wish.container)?;
    match format.is_folder() {
        true => lay_out(source.store, &made.tree, aside)?,
        false => copy(source.store, &format::file(&made.tree)?, aside)?,
    }
    let mount =
        |mount: &assembler::oci::Mount| format!("mount {}: it needs {}", mount.path, mount.names.join(", "));
    let notes = made.mounts.iter().map(mount).collect();
    Ok(Written { bytes: made.tree.size_bytes(), wall_s: (!made.found).then_some(made.wall_s), notes })
}

fn folder(source: &Source, aside: &Path) -> Result<Written> {
    let begun = std::time::Instant::now();
    let tree = source.tree()?;
    let others = write_folder(&tree, source.store, aside).map_err(failed)?;
    let mut notes: Vec<String> = others.iter().map(|path| format!("not its owner's: /{path}")).collect();
    if !notes.is_empty() {
        notes.insert(0, "only root can set owners: these are yours, and without setuid".into());
    }
    let bytes = tree.iter().map(|(_, node)| node.size_bytes()).sum();
    Ok(Written { bytes, wall_s: Some(begun.elapsed().as_secs_f64()), notes })
}

fn lay_out(store: &Store, tree: &Tree, to: &Path) -> Result<()> {
    fs::create_dir(to).map_err(failed)?;
    for (path, node) in &tree.nodes {
        let at = to.join(path);
        fs::create_dir_all(at.parent().unwrap_or(to)).map_err(failed)?;
        if let Node::File { digest, .. } = node {
            copy(store, digest, &at)?;
        }
    }
    Ok(())
}

/// A file of its own, with the modes of who asks: blobs are nobody's to write.
fn copy(store: &Store, digest: &kegs::Digest, to: &Path) -> Result<()> {
    let mut from = store.open_blob(digest)?;
    let mut copy = || -> io::Result<()> {
        let mut out = File::create_new(to)?;
        io::copy(&mut from, &mut out)?;
        out.sync_data()
    };
    copy().map_err(|error| Trouble::Failed(format!("cannot write {}: {error}", to.display())))
}

/// Beside the place, so that a rename is all that is left.
fn aside(to: &Path) -> Result<PathBuf> {
    if to.is_dir() && fs::read_dir(to).map_err(failed)?.next().is_some() {
        let message = format!("{} is a folder and not empty: name another by -o", to.display());
        return Err(Trouble::Failed(message));
    }
    let name = to.file_name().ok_or_else(|| Trouble::Failed(format!("-o {}: no name", to.display())))?;
    let folder = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)
        .map_err(|error| Trouble::Failed(format!("cannot create {}: {error}", folder.display())))?;
    Ok(folder.join(format!(".{}.{}", name.display(), std::process::id())))
}

fn rename(aside: &Path, to: &Path) -> Result<()> {
    if aside.is_file() && to.is_dir() {
        return Err(Trouble::Failed(format!("{} is a folder", to.display())));
    }
    fs::rename(aside, to).map_err(|error| Trouble::Failed(format!("cannot write {}: {error}", to.display())))
}

fn remove(aside: &Path) {
    match aside.is_dir() {
        true => fs::remove_dir_all(aside).ok(),
        false => fs::remove_file(aside).ok(),
    };
}

fn say(context: &Context, format: Format, wish: &Wish, to: &Path, written: &Written) {
    if context.json {
        let line = serde_json::json!({
            "event": "wrote", "role": wish.role, "format": format.word(), "path": to, "bytes": written.bytes,
            "in_store": written.wall_s.is_none(), "wall_s": written.wall_s.unwrap_or(0.0), "notes": written.notes,
        });
        return data(&line.to_string());
    }
    data(&to.display().to_string());
    let when = written.wall_s.map_or("in store".to_string(), seconds);
    let subject = format!("{} {}", wish.role, format.word());
    event("wrote", &subject, &format!("{:>9}  {when:>9}", bytes(written.bytes)));
    written.notes.iter().for_each(|note| talk(&format!("        {note}")));
}

fn failed(error: io::Error) -> Trouble {
    Trouble::Failed(format!("cannot write: {error}"))
}
