//! `rootbrew diff`: what another image has that this one has not: first as a paragraph for a release note, then file by file.

use std::collections::BTreeMap;

use assembler::diff::{Change, Diff, KegDiff, What};
use assembler::text;
use builder::plan::Plan;
use kegs::Digest;

use super::subject::{self, Subject};
use crate::context::Context;
use crate::terminal::{bytes, data, event, more_bytes};
use crate::trouble::{Result, Trouble};
use crate::work::{self, copied, ground};

pub struct Wish {
    pub old: String,
    pub new: Option<String>,
    pub base: Option<String>,
}

/// Kegs and their versions, of what is in an image or linked into it; none where it is only a file.
type Versions = BTreeMap<String, String>;

/// One side.
struct Side {
    subject: Subject,
    kernel: Option<Digest>,
    versions: Versions,
}

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let (old, new) = match (&wish.new, &wish.base) {
        (Some(new), None) => (side(context, &wish.old)?, side(context, new)?),
        (None, Some(rev)) => (at_base(context, &wish.old, rev)?, side(context, &wish.old)?),
        _ => return Err(Trouble::Failed("two images are wanted, or a role and --base REV".into())),
    };
    let diff = assembler::diff(&old.subject.tree, &new.subject.tree);
    if context.json {
        data(&json(&diff, &old, &new).to_string());
        return Ok(());
    }
    data(&note(&diff, &old, &new));
    diff.kegs.iter().for_each(list);
    Ok(())
}

fn side(context: &Context, word: &str) -> Result<Side> {
    let place = subject::place(context, word)?;
    let (subject, kernel) = (place.open()?, place.kernel());
    let versions = if subject::is_place(word) { Versions::new() } else { versions(context, word)? };
    Ok(Side { subject, kernel, versions })
}

/// The role's image as the tap at a commit makes it, by the same store.
fn at_base(context: &Context, role: &str, rev: &str) -> Result<Side> {
    if subject::is_place(role) {
        return Err(Trouble::Failed(format!(
            "--base compares a role with itself as it was, and {role} is a file"
        )));
    }
    let (tap, commit) = copied::at_revision(context, rev)?;
    event("base", role, &format!("at {}", &commit[..12]));
    let mut side = side(&context.at(tap.path()), role)?;
    side.subject.name = format!("{role} at {}", &commit[..12]);
    Ok(side)
}

fn versions(context: &Context, role: &str) -> Result<Versions> {
    let profile = ground::profile(context)?;
    let plan = work::role_target(context, role, &ground::implied(&profile))?.plan;
    let called = |at: usize| (plan.nodes()[at].name(), plan.nodes()[at].variant.version.to_string());
    Ok(in_image(&plan).into_iter().map(called).collect())
}

/// What was asked, what that runs, and what is linked into it.
fn in_image(plan: &Plan) -> Vec<usize> {
    let run = plan.wanted().iter().flat_map(|&at| plan.run_closure(at));
    let all: Vec<usize> = run.chain(plan.wanted().iter().copied()).collect();
    all.iter().flat_map(|&at| plan.link_closure(at)).chain(all.iter().copied()).collect()
}

/// Whether nothing of what is known of both differs.
fn is_same(diff: &Diff, old: &Side, new: &Side) -> bool {
    diff.is_same() && !has_other_kernel(old, new)
}

fn has_other_kernel(old: &Side, new: &Side) -> bool {
    old.kernel.zip(new.kernel).is_some_and(|(old, new)| old != new)
}

/// The paragraph.
fn note(diff: &Diff, old: &Side, new: &Side) -> String {
    let (one, two) = (&old.subject, &new.subject);
    let versions = versions_note(&old.versions, &new.versions);
    if is_same(diff, old, new) {
        let layout = match one.root_bytes == two.root_bytes {
            true => String::new(),
            false => format!(", in images of {} and {}", bytes(one.root_bytes), bytes(two.root_bytes)),
        };
        return format!(
            "{} and {} are the same: {} files{layout}.{versions}",
            one.name, two.name, diff.new.files
        );
    }
    let counts = [What::Added, What::Removed, What::Changed].map(|what| (diff.count(what), what.word()));
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let counts = if counts.is_empty() { "no file is other".to_string() } else { counts.join(", ") };
    let on_disk = of_both(one.root_bytes, two.root_bytes);
    let wire = |subject: &Subject| subject.facts.as_ref()?.root_wire_bytes;
    let wire = wire(one)
        .zip(wire(two))
        .map_or(String::new(), |(one, two)| format!(", {} on the wire", of_both(one, two)));
    let kernel = match old.kernel.zip(new.kernel) {
        Some((old, new)) if old != new => format!(" Kernel: {}.", of_both(old.size_bytes, new.size_bytes)),
        _ => String::new(),
    };
    format!(
        "{} → {}: {counts}; {} files, {on_disk} on disk{wire}.{versions}{}{kernel}",
        one.name,
        two.name,
        diff.new.files,
        kegs_note(diff)
    )
}

/// `7.69 MB (+8.2 kB)`.
fn of_both(old: u64, new: u64) -> String {
    format!("{} ({})", bytes(new), more_bytes(new as i64 - old as i64))
}

/// ` Versions: nginx 1.28.0 → 1.28.1, zlib 1.3.2 is new.`
fn versions_note(old: &Versions, new: &Versions) -> String {
    if old.is_empty() || new.is_empty() {
        return String::new();
    }
    let changed = new.iter().filter_map(|(keg, version)| match old.get(keg) {
        Some(before) if before == version => None,
        Some(before) => Some(format!("{keg} {before} → {version}")),
        None => Some(format!("{keg} {version} is new")),
    });
    let gone = old.iter().filter(|(keg, _)| !new.contains_key(*keg));
    let all: Vec<String> =
        changed.chain(gone.map(|(keg, version)| format!("{keg} {version} is gone"))).collect();
    if all.is_empty() { String::new() } else { format!(" Versions: {}.", all.join(", ")) }
}

fn kegs_note(diff: &Diff) -> String {
    let kegs: Vec<String> = diff
        .kegs
        .iter()
        .map(|keg| format!("{} {}", text::escape(&keg.name), more_bytes(keg.delta_bytes())))
        .collect();
    if kegs.is_empty() { String::new() } else { format!(" Kegs: {}.", kegs.join(", ")) }
}

fn list(keg: &KegDiff) {
    data("");
    data(&format!("{}  {}", text::escape(&keg.name), more_bytes(keg.delta_bytes())));
    for change in &keg.changes {
        let how = how(change);
        let delta = more_bytes(change.delta_bytes());
        data(&format!("  {:<7} {delta:>10}  /{}{how}", change.what.word(), text::escape(&change.path)));
    }
}

/// What is other, where both have it; of contents, their sizes.
fn how(change: &Change) -> String {
    let sizes = || match change.old_bytes == change.new_bytes {
        true => format!("{}, other content", bytes(change.new_bytes)),
        false => format!("{} → {}", bytes(change.old_bytes), bytes(change.new_bytes)),
    };
    let how = change
        .how
        .iter()
        .map(|how| if how == "content" { sizes() } else { how.replace(char::is_control, "?") });
    let how: Vec<String> = how.collect();
    if how.is_empty() { String::new() } else { format!("  ({})", how.join(", ")) }
}

fn json(diff: &Diff, old: &Side, new: &Side) -> serde_json::Value {
    let side = |side: &Side, sum: assembler::diff::Sum| {
        let subject = &side.subject;
        serde_json::json!({
            "name": subject.name, "root_bytes": subject.root_bytes, "files": sum.files, "bytes": sum.bytes,
            "facts": subject.facts, "kernel_sha256": side.kernel.map(|kernel| kernel.hex()), "versions": side.versions,
        })
    };
    let change = |change: &Change| {
        serde_json::json!({
            "path": format!("/{}", change.path), "what": change.what.word(), "old_bytes": change.old_bytes,
            "new_bytes": change.new_bytes, "how": change.how,
        })
    };
    let keg = |keg: &KegDiff| {
        let changes: Vec<_> = keg.changes.iter().map(change).collect();
        serde_json::json!({ "name": keg.name, "delta_bytes": keg.delta_bytes(), "changes": changes })
    };
    serde_json::json!({
        "event": "diff", "same": is_same(diff, old, new), "note": note(diff, old, new),
        "old": side(old, diff.old), "new": side(new, diff.new), "kegs": diff.kegs.iter().map(keg).collect::<Vec<_>>(),
    })
}
