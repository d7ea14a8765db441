//! Fuzzing for a bounded time: parsers of what comes from outside, over a kept corpus (`tests/corpus/<parser>`).
//!
//! Each parser first meets every file of its corpus, then changed ones: no panic, and no more memory than the input's
//! size explains. What gives an answer that none gave before joins the pool of this run, so a run finds its way from one
//! refusal to the next. `ROOTBREW_FUZZ_S` (seconds a parser, 1) bounds it, `ROOTBREW_FUZZ_SEED` (1) makes it another run
//! that is the same each time. What is found is written to the corpus, and stays there when it is mended.
//!
//! Our own, since the engines that follow coverage want another compiler: bolero's engine for stable Rust makes random
//! bytes, of which none gets past a magic number.

mod meter;
mod mutate;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assembler::closure::{elf, python, script};
use assembler::content::Folder;
use assembler::erofs::read::{Image, ReadError};
use assembler::strip::strip_elf;
use assembler::{ImageTree, Node, Reason, text, write_erofs};
use kegs::Digest;
use mutate::Mutator;

/// What a parser answers, in words that change with the way it took and not with each number in it.
type Answer = String;

struct Parser {
    name: &'static str,
    parse: fn(&[u8]) -> Answer,
    /// Bytes held at the most for each byte of input, and for none.
    memory: (usize, usize),
    /// After a change: what would keep all else from being read.
    mend: fn(&mut [u8]),
}

const PARSERS: [Parser; 5] = [
    // Paths are held twice, and 128 bytes of them for each byte of the image (erofs/read/budget.rs).
    Parser { name: "erofs", parse: erofs, memory: (600, 4 << 20), mend: seal },
    Parser { name: "elf", parse: elf, memory: (24, 1 << 16), mend: |_| () },
    // A tree's node has about 200 bytes, and the shortest line 35.
    Parser { name: "twin", parse: twin, memory: (24, 1 << 16), mend: |_| () },
    Parser { name: "script", parse: script, memory: (16, 1 << 16), mend: |_| () },
    // The shortest import has nine bytes, and is held in about a hundred.
    Parser { name: "python", parse: python, memory: (64, 1 << 16), mend: |_| () },
];

fn erofs(bytes: &[u8]) -> Answer {
    let read = Image::open(bytes).and_then(|image| {
        let tree = image.tree()?;
        // Each path again, by its name: the other way in.
        for (path, _) in tree.iter().take(50) {
            image.contents(path).map(drop).ok();
        }
        Ok(tree.len())
    });
    match read {
        Ok(paths) => format!("{} paths", paths.ilog2()),
        // Without its place: it is the same answer elsewhere.
        Err(ReadError::Damaged { what, .. }) => what,
        Err(ReadError::Unsupported { feature, .. }) => feature,
        Err(other) => other.to_string(),
    }
}

fn elf(bytes: &[u8]) -> Answer {
    let stripped = strip_elf(bytes);
    // Stripped once is stripped: what we write, we read.
    if let Some(stripped) = &stripped {
        assert!(stripped.len() < bytes.len(), "stripping makes it larger");
    }
    let needs = elf::needs(bytes).map_or_else(
        |why| why,
        |needs| {
            let elf::Needs { interpreter, needed, search, dlopen, soname } = needs;
            let some = [interpreter.is_some(), soname.is_some(), !dlopen.is_empty()];
            format!("{some:?} {} {}", needed.len().min(9), search.len().min(9))
        },
    );
    format!("{needs} {}", stripped.is_some())
}

fn twin(bytes: &[u8]) -> Answer {
    match str::from_utf8(bytes).map(text::parse) {
        Err(_) => "not UTF-8".to_string(),
        Ok(Err(error)) => error.what.split('`').next_back().unwrap_or_default().to_string(),
        Ok(Ok(tree)) => {
            let printed = text::print(&tree);
            assert_eq!(text::parse(&printed).as_ref(), Ok(&tree), "what is read is printed and read again");
            format!("{} paths", tree.len().ilog2())
        }
    }
}

fn script(bytes: &[u8]) -> Answer {
    script::interpreter(bytes).map_or("none".to_string(), |found| {
        format!("{} {}", found.path.len().min(40), found.by_env.map_or(0, |name| name.len().min(40)))
    })
}

fn python(bytes: &[u8]) -> Answer {
    let found = python::imports(&String::from_utf8_lossy(bytes));
    let names: usize = found.iter().map(|import| import.names.len()).sum();
    let always = found.iter().filter(|import| import.always).count();
    format!("{} {} {}", found.len().min(9), names.min(9), always.min(9))
}

/// Past its checksum an image is looked into. Drawn in erofs/superblock.rs: crc32c from 1024 to the block's end.
fn seal(bytes: &mut [u8]) {
    let Some(block) = bytes.get_mut(1024..4096) else { return };
    block[4..8].fill(0);
    let crc = block.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82F6_3B78 * (crc & 1)))
    });
    block[4..8].copy_from_slice(&crc.to_le_bytes());
}

/// What our own writers make of a tree today, besides what the corpus holds.
fn own(parser: &Parser) -> Vec<Vec<u8>> {
    let mut tree = ImageTree::default();
    let because = || Reason::role("service a runs a");
    for at in 0..300_usize {
        let path = format!("many/{}/{}", at % 7, "n".repeat(1 + at % 200));
        tree.insert(&path, Node::inline(vec![at as u8; at * 20], 0o644, because())).expect("a path");
    }
    tree.insert("bin/a", Node::link("../many/0", because())).expect("a path");
    let mut small = ImageTree::default();
    small.insert("a/b", Node::inline("hello", 0o755, because())).expect("a path");
    let image = |tree: &ImageTree| {
        let mut image = Vec::new();
        write_erofs(tree, &Folder("nowhere".into()), &mut image).map(|_| image).expect("an image")
    };
    match parser.name {
        "erofs" => vec![image(&tree), image(&small)],
        "twin" => vec![text::print(&tree).into_bytes(), text::print(&small).into_bytes()],
        _ => Vec::new(),
    }
}

fn corpus(parser: &Parser) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus").join(parser.name)
}

fn number(name: &str, usual: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text}: a whole number is wanted")),
        Err(_) => usual,
    }
}

/// What the parser says; a panic or too much memory is kept in the corpus, and ends the test.
fn meet(parser: &Parser, bytes: &[u8]) -> Answer {
    let meter = meter::start();
    let answer = catch_unwind(AssertUnwindSafe(|| (parser.parse)(bytes)));
    let held = meter.most();
    let (each, once) = parser.memory;
    let why = match &answer {
        Ok(_) if held <= once + each * bytes.len() => None,
        Ok(_) => Some(format!("{held} bytes held for an input of {}", bytes.len())),
        Err(_) => Some("a panic".to_string()),
    };
    if let Some(why) = why {
        let path = corpus(parser).join(format!("found-{}", Digest::of(bytes).short()));
        fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        panic!("{}: {why}; kept as {}", parser.name, path.display());
    }
    answer.unwrap_or_default()
}

/// Without its numbers and quoted names, which differ with every change.
fn signature(answer: &str) -> String {
    let plain: Vec<&str> = answer.split('`').step_by(2).collect();
    plain.concat().chars().filter(|letter| !letter.is_ascii_digit()).take(160).collect()
}

fn fuzz(parser: &Parser, lasting: Duration) {
    let files = fs::read_dir(corpus(parser)).unwrap_or_else(|error| panic!("{}: {error}", parser.name));
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let mut pool: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(!pool.is_empty(), "{}: no corpus", parser.name);
    let kept = pool.len();
    pool.extend(own(parser));
    let mut seen: BTreeSet<String> = pool.iter().map(|bytes| signature(&meet(parser, bytes))).collect();
    let mut mutator = Mutator::new(number("ROOTBREW_FUZZ_SEED", 1));
    let (begun, mut runs) = (Instant::now(), 0_u64);
    while begun.elapsed() < lasting {
        let mut bytes = mutator.change(&pool);
        // One in ten stays unsealed.
        if runs % 10 > 0 {
            (parser.mend)(&mut bytes);
        }
        let is_new = seen.insert(signature(&meet(parser, &bytes)));
        // Larger pools spend their time on copies of the same.
        if is_new && pool.len() < 4000 {
            pool.push(bytes);
        }
        runs += 1;
    }
    let wall_s = begun.elapsed().as_secs_f64();
    let (answers, each_s) = (seen.len(), runs as f64 / wall_s.max(1e-9));
    eprintln!(
        "{:<7} {kept} kept, {runs} runs in {wall_s:.1} s, {each_s:.0} a second, {answers} answers",
        parser.name
    );
}

/// One test, for the meter counts what the whole program holds.
#[test]
fn parsers_of_what_comes_from_outside() {
    let lasting = Duration::from_secs(number("ROOTBREW_FUZZ_S", 1));
    PARSERS.iter().for_each(|parser| fuzz(parser, lasting));
}
