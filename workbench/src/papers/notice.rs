//! The notice: every part of an image with its licence and the texts, as one text or as the files of a folder.
//!
//! ```text
//! nginx 1.26.3                                  <- a part; BSD-2-Clause; where it is from; which files hold it
//! ---- LICENSE, from its source                 <- each text, or `the same text as of …`
//! ```

use std::collections::BTreeMap;
use std::fmt::Write;

use assembler::papers::identity::part_word;
use assembler::papers::{Papers, Part};

use super::texts::{From, Text, Texts};

/// One text of all.
pub fn print(papers: &Papers, texts: &Texts) -> String {
    let mut out = head(papers);
    let mut seen: BTreeMap<&str, String> = BTreeMap::new();
    for part in papers.parts.values() {
        write!(out, "\n\n{}\n{}", "=".repeat(78), about(papers, part)).ok();
        for text in texts.parts.get(&part.id).into_iter().flatten() {
            let title = format!("{}, {}", text.title, from(text));
            match seen.get(text.text.as_str()) {
                Some(other) => write!(out, "\n---- {title}: the same text as {other}\n").ok(),
                None => write!(out, "\n---- {title}\n\n{}\n", text.text.trim_end()).ok(),
            };
            seen.entry(&text.text).or_insert_with(|| format!("{} of {}", text.title, part.id));
        }
    }
    out
}

/// The same as files: path in the folder to content. `index.txt` says what is what.
pub fn files(papers: &Papers, texts: &Texts) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut index = head(papers);
    for part in papers.parts.values() {
        write!(index, "\n\n{}", about(papers, part)).ok();
        for text in texts.parts.get(&part.id).into_iter().flatten() {
            // One folder a part; the paths of sources become names.
            let path = format!("{}/{}", part_word(&part.id), text.title.replace('/', "_"));
            writeln!(index, "text:    {path}, {}", from(text)).ok();
            files.insert(path, text.text.clone());
        }
    }
    files.insert("index.txt".to_string(), index);
    files
}

fn head(papers: &Papers) -> String {
    format!(
        "What is in the image `{}` (root sha256 {}), and under which licences.\n\
         Parts that are linked into programs are among them. Texts are those of each source where it has any;\n\
         else those of the SPDX list, which is said.\n",
        papers.name,
        papers.digest.hex()
    )
}

fn about(papers: &Papers, part: &Part) -> String {
    let mut out = format!("{} {}\n", part.id.name(), part.version);
    let mut line = |word: &str, value: &str| out += &format!("{word:<9}{value}\n");
    line("licence:", part.license.as_deref().unwrap_or("not known"));
    part.home.iter().for_each(|home| line("home:", home));
    part.sources.iter().for_each(|source| line("source:", &source.place));
    part.patches.iter().for_each(|patch| line("patched:", patch));
    let own = papers.files_of(Some(&part.id)).count();
    if own > 0 {
        line("files:", &format!("{own} of its own"));
    }
    papers.holders(&part.id).for_each(|(file, proof)| line("inside:", &format!("/{} ({proof})", file.path)));
    out
}

fn from(text: &Text) -> &'static str {
    match text.from {
        From::Source => "from its source",
        From::List => "from the SPDX list: its source has no file for it",
    }
}
