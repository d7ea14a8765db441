//! The first two steps, the same for every preset: the source tree, and what the recipe changes in it.
//!
//! An archive is unpacked by tar under the name it has, whatever it is: `/src/<n>/` holds nothing else.

use super::cargo;
use super::quote::word;
use super::{RECIPE, SOURCES};
use crate::recipe::variant::{Source, Variant};

/// Body of `unpack`: runs in `/build`, leaves `$TREE`.
pub fn unpack(variant: &Variant) -> Vec<String> {
    let mut lines = vec!["mkdir -p \"$TREE\"".to_string()];
    for (n, source) in variant.sources.iter().enumerate() {
        lines.extend(one(n, source));
    }
    lines
}

fn one(n: usize, source: &Source) -> Vec<String> {
    if let (true, Some(krate), Some(sha256)) = (source.vendored, &source.krate, source.sha256) {
        return vec![cargo::vendored(n, krate, &sha256)];
    }
    let into = match &source.into {
        Some(into) => format!("\"$TREE\"/{}", word(into)),
        None => "\"$TREE\"".to_string(),
    };
    let mut lines = Vec::new();
    if source.into.is_some() {
        lines.push(format!("mkdir -p {into}"));
    }
    let is_tree = source.git.is_some() || !source.tap.is_empty();
    lines.push(match (is_tree, source.unpack) {
        (false, true) => {
            format!("tar -x --no-same-owner --strip-components={} -C {into} -f {SOURCES}/{n}/*", source.strip)
        }
        _ => format!("cp -R {SOURCES}/{n}/. {into}"),
    });
    lines
}

/// Body of `patch`: patches in order, without fuzz, then the recipe's own files. Runs in `$TREE`.
pub fn patch(variant: &Variant) -> Vec<String> {
    let patches = variant.patches.iter().map(|file| {
        let file = word(&format!("{RECIPE}/{file}"));
        format!("patch -p1 --batch --forward --fuzz=0 --no-backup-if-mismatch -i {file}")
    });
    let injected = variant.inject.iter().map(|(path, file)| {
        format!(
            "mkdir -p -- \"$(dirname -- {0})\" && cp -- {1} {0}",
            word(path),
            word(&format!("{RECIPE}/{file}"))
        )
    });
    patches.chain(injected).collect()
}
