//! Orders: what a tool is told, for formats whose makers are programs of our own kegs.
//!
//! ```text
//! /in/tree.tar   the tree, by `write_tar`        /build/image   what comes out
//! ```
//! Owners, modes and times are in the tar, so the tool needs to be nobody. Whatever it would else take from its
//! surroundings (time, UUID, hash seed) it is told. Nothing is run here.

use crate::erofs::TIME;
use crate::tree::{ImageTree, Kind};

/// Where the tool finds the tree, and where it leaves the image.
pub const INPUT: &str = "/in/tree.tar";
pub const OUTPUT: &str = "/build/image";

/// One run of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// A recipe, and where its keg has the program.
    pub keg: &'static str,
    pub program: &'static str,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// What the image will have at most.
    pub bytes_max: u64,
}

/// How an erofs image is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Fast to read; every kernel with erofs has it.
    Lz4,
    /// Smaller; Linux 6.10 or later.
    Zstd,
}

/// erofs, compressed in clusters of 64 KiB: what `mkfs.erofs` calls large, and half a readahead.
pub fn erofs(tree: &ImageTree, compression: Compression) -> Order {
    let how = match compression {
        Compression::Lz4 => "-zlz4hc,level=12",
        // Of `web` 3.11 MB in 6 s of processor time; 19 gives 2.89 MB and took 113 s of a busy machine.
        Compression::Zstd => "-zzstd,level=12",
    };
    let words = ["--tar=f", how, "-C65536", "-Eztailpacking", "--all-time", "--workers=1", "--quiet"];
    let mut arguments: Vec<String> = words.iter().map(|word| word.to_string()).collect();
    arguments.extend([format!("-T{TIME}"), format!("-U{}", uuid(tree)), OUTPUT.into(), INPUT.into()]);
    Order {
        keg: "erofs-utils",
        program: "bin/mkfs.erofs",
        arguments,
        environment: environment(),
        bytes_max: 2 * size(tree).bytes(),
    }
}

/// ext4, without a journal (`tune2fs -j` adds one), just as large as the tree needs, no block kept for root.
pub fn ext4(tree: &ImageTree) -> Order {
    let size = size(tree);
    let uuid = uuid(tree);
    let arguments = [
        "-q".into(),
        "-F".into(),
        "-text4".into(),
        format!("-b{BLOCK}"),
        format!("-I{INODE}"),
        format!("-N{}", size.inodes),
        "-m0".into(),
        "-O^has_journal,^resize_inode,^orphan_file,^metadata_csum_seed".into(),
        format!("-Ehash_seed={uuid},root_owner=0:0,nodiscard,lazy_itable_init=0"),
        format!("-U{uuid}"),
        format!("-d{INPUT}"),
        OUTPUT.into(),
        size.blocks().to_string(),
    ];
    Order {
        keg: "e2fsprogs",
        program: "sbin/mke2fs",
        arguments: arguments.to_vec(),
        environment: environment(),
        bytes_max: 2 * size.bytes(),
    }
}

const BLOCK: u64 = 4096;
const INODE: u64 = 256;

/// Blocks of a group: as many as one block has bits.
const GROUP: u64 = 8 * BLOCK;

/// ext4's own, before the first that is a file's: the eleventh is `lost+found`.
const INODES_OWN: u64 = 11;

/// What a tree takes as ext4.
struct Size {
    inodes: u64,
    /// Of files, links and folders.
    data_blocks: u64,
}

impl Size {
    /// With all that the file system needs for itself, and a hundredth for what it rounds.
    fn blocks(&self) -> u64 {
        let tables = (self.inodes * INODE).div_ceil(BLOCK);
        let used = self.data_blocks + tables + LOST_AND_FOUND;
        let groups = used.div_ceil(GROUP) + 1;
        // Each group: two bitmaps, a superblock, descriptors, a table rounded up.
        let own = groups * (4 + groups.div_ceil(BLOCK / 64));
        used + own + used / 100 + 16
    }

    fn bytes(&self) -> u64 {
        self.blocks() * BLOCK
    }
}

/// mke2fs gives it four blocks.
const LOST_AND_FOUND: u64 = 4;

fn size(tree: &ImageTree) -> Size {
    let mut size = Size { inodes: INODES_OWN + tree.len() as u64, data_blocks: 0 };
    let mut names: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for (path, node) in tree.iter() {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        // An entry: 8 bytes, the name rounded up to 4.
        *names.entry(parent).or_default() += 8 + name.len().next_multiple_of(4) as u64;
        size.data_blocks += match &node.kind {
            Kind::Folder => 0,
            // A target of up to 59 bytes stands in the inode.
            Kind::Link { target } => u64::from(target.len() >= 60),
            // A file in more than four pieces needs a block for their list.
            Kind::File(bytes) => bytes.len().div_ceil(BLOCK) + bytes.len().div_ceil(GROUP * BLOCK) / 4,
        };
    }
    let folders = tree.iter().filter(|(_, node)| node.is_folder());
    // No entry crosses a block, so each may lose one name: a quarter more, and `.` and `..`.
    size.data_blocks += folders
        .map(|(path, _)| (names.get(path).copied().unwrap_or(0) * 5 / 4 + 36).div_ceil(BLOCK))
        .sum::<u64>();
    size
}

/// From the tree alone, in RFC 9562's form for custom numbers.
fn uuid(tree: &ImageTree) -> String {
    let id = hex::encode(crate::erofs::uuid(tree));
    format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..32])
}

/// Every clock that the tools ask, and the one locale.
fn environment() -> Vec<(String, String)> {
    let time = TIME.to_string();
    let words = [
        ("SOURCE_DATE_EPOCH", time.as_str()),
        ("E2FSPROGS_FAKE_TIME", time.as_str()),
        ("E2FSPROGS_DETERMINISTIC", "1"),
        ("HOME", "/build"),
        ("TMPDIR", "/build"),
        ("LC_ALL", "C"),
        ("TZ", "UTC"),
    ];
    words.map(|(name, value)| (name.to_string(), value.to_string())).to_vec()
}
