//! The last step, the same for every preset: what an install leaves that no keg wants is taken away, the recipe's own
//! files are put in, and what is certainly wrong fails here, where its log still is.

use std::sync::OnceLock;

use super::quote::word;
use super::shell::command;
use super::{BUILD, RECIPE};
use crate::recipe::variant::{Linkage, Variant};

/// In no keg, unless `keep` names them: documentation, translations, and libtool's files, whose paths are wrong elsewhere.
const USELESS: [&str; 7] =
    ["*.la", "share/man", "share/doc", "share/info", "share/locale", "share/gtk-doc", "lib/charset.alias"];

/// Body of `finish`: runs in `$OUT`.
pub fn finish(variant: &Variant) -> Vec<String> {
    let mut lines = removals(variant);
    lines.extend(additions(variant));
    if variant.debug {
        lines.push("split_debug".to_string());
    }
    lines.push(command(["find . -mindepth 1 -type d -empty", &kept(&variant.keep), "-delete"]));
    lines.push("[ -n \"$(ls -A .)\" ] || fail \"nothing was installed in $KEG\"".to_string());
    lines.push(format!("leaks=$(grep -rlF {BUILD}/source . || :)"));
    lines.push(format!("[ -z \"$leaks\" ] || fail \"the path {BUILD}/source is inside: $leaks\""));
    lines
}

/// Body of `split_debug`: what debuggers want goes from each program and library to the debug keg, under its build-id
/// (the layout of gdb's `debug-file-directory`), beside a link to the program. Names stay, so that traces can be read.
pub fn split_debug() -> Vec<String> {
    SPLIT_DEBUG.lines().map(str::to_string).collect()
}

// Without debug information in it (assembler, the seed's start files) a file is left alone.
const SPLIT_DEBUG: &str = r#"find . -type f \( -perm -100 -o -name '*.so' -o -name '*.so.*' \) | LC_ALL=C sort |
while IFS= read -r file; do
	readelf -SW -- "$file" 2>/dev/null | grep -q '\.debug_info' || continue
	id=$(readelf -nW -- "$file" 2>/dev/null | sed -n 's/.*Build ID: //p')
	[ -n "$id" ] || continue
	debug=$DESTDIR/debug$KEG/.build-id/$(printf %.2s "$id")
	mkdir -p "$debug"
	debug=$debug/${id#??}
	chmod u+w "$file"
	objcopy --only-keep-debug --compress-debug-sections=zlib "$file" "$debug.debug"
	objcopy --strip-debug "$file"
	ln -sfn "$KEG/${file#./}" "$debug"
done"#;

// `find -path` lets a `*` cross folders: `lib/*.la` reaches `lib/x/y.la` too, which is what is meant.
fn removals(variant: &Variant) -> Vec<String> {
    let mut globs: Vec<&str> = Vec::new();
    if variant.linkage == Linkage::Shared && !variant.keep_static {
        globs.push("lib/*.a");
    }
    globs.extend(variant.remove.iter().map(String::as_str));
    let own = globs.iter().map(|glob| removal(glob, &variant.keep));
    useless(&variant.keep).into_iter().chain(own).collect()
}

/// Most recipes keep nothing of it: their lines are written once.
fn useless(keep: &[String]) -> Vec<String> {
    static USUAL: OnceLock<Vec<String>> = OnceLock::new();
    let lines = |keep: &[String]| USELESS.iter().map(|glob| removal(glob, keep)).collect();
    if keep.is_empty() { USUAL.get_or_init(|| lines(keep)).clone() } else { lines(keep) }
}

fn removal(glob: &str, keep: &[String]) -> String {
    let here = word(&found(glob));
    let below = word(&format!("{}/*", found(glob)));
    command(["find . ! -type d \\(", "-path", &here, "-o -path", &below, "\\)", &kept(keep), "-delete"])
}

fn kept(keep: &[String]) -> String {
    keep.iter().map(|glob| format!("! -path {}", word(&found(glob)))).collect::<Vec<_>>().join(" ")
}

/// As `find -path` wants it.
fn found(glob: &str) -> String {
    format!("./{}", glob.replace("**", "*"))
}

fn additions(variant: &Variant) -> Vec<String> {
    let put = |how: &str, from: &str, path: &str| {
        format!("mkdir -p -- \"$(dirname -- {0})\" && {how} -- {1} {0}", word(path), word(from))
    };
    let files = variant.files.iter().map(|(path, file)| put("cp", &format!("{RECIPE}/{file}"), path));
    let links = variant.symlinks.iter().map(|(path, target)| put("ln -sfn", target, path));
    files.chain(links).collect()
}
