//! The folds: rebuilt kegs, files of each image, tests and what else was done.

use super::cut::first;
use super::escape::{code, fence, html};
use super::figure::{Unit, bytes, more, seconds};
use super::{Became, File, Keg, Report, Role};

pub fn all(report: &Report, lines: usize) -> String {
    let mut out = kegs(report, lines);
    report.roles.iter().take(lines.max(10)).for_each(|role| out.push_str(&files(role, lines)));
    out.push_str(&edits(report, lines));
    out.push_str(&done(report));
    out
}

fn fold(summary: &str, inner: &str) -> String {
    format!("<details><summary>{summary}</summary>\n\n{}\n\n</details>\n\n", inner.trim_end())
}

fn kegs(report: &Report, lines: usize) -> String {
    if report.kegs.is_empty() {
        return String::new();
    }
    let mut sorted: Vec<&Keg> = report.kegs.iter().collect();
    // What moved something first, and of that what took longest.
    sorted.sort_by(|a, b| {
        (b.became != Became::SameBytes)
            .cmp(&(a.became != Became::SameBytes))
            .then(b.wall_s.unwrap_or(0.0).total_cmp(&a.wall_s.unwrap_or(0.0)))
    });
    let (shown, rest) = first(&sorted, lines);
    let mut inner = String::from("| keg | why | time | result |\n|---|---|---|---|\n");
    for keg in shown {
        let took = keg.wall_s.map_or(String::new(), seconds);
        let took = if keg.ran || took.is_empty() { took } else { format!("{took}, in store") };
        inner.push_str(&format!(
            "| {} {} | {} | {took} | {} |\n",
            code(&keg.keg),
            code(&keg.version),
            code(&keg.why.replace('`', "")),
            became(keg.became)
        ));
    }
    inner.extend(rest.map(|rest| format!("\n{rest}\n")));
    let cache = &report.cache;
    inner.push_str(&format!("\nCache: {} of {} actions.", cache.found, cache.actions));
    if !cache.critical.is_empty() {
        let (shown, more) = first(&cache.critical, 8);
        let chain: Vec<String> = shown.iter().map(|keg| code(keg)).collect();
        let more = if more.is_some() { " → …" } else { "" };
        inner.push_str(&format!(
            " Critical path {}{more}, {}.",
            chain.join(" → "),
            seconds(cache.critical_s)
        ));
    }
    let cut_off = report.kegs.iter().filter(|keg| keg.became == Became::SameBytes).count();
    let cut_off = if cut_off == 0 { String::new() } else { format!(", {cut_off} stopped by early cutoff") };
    fold(&format!("Touched {} of {} kegs{cut_off}", report.kegs.len(), report.kegs_in_all), &inner)
}

fn became(became: Became) -> &'static str {
    match became {
        Became::SameBytes => "**same bytes**",
        Became::OtherBytes => "other bytes",
        Became::New => "new",
        Became::Built => "built",
        Became::Failed => "**failed**",
        Became::NotTried => "not tried",
    }
}

/// By name, as the mock-up of the design has it.
fn files(role: &Role, lines: usize) -> String {
    if role.same_bytes || role.files.is_empty() {
        return String::new();
    }
    let (shown, rest) = first(&role.files, lines);
    let mut list: Vec<String> = shown.iter().map(line).collect();
    list.extend(rest);
    let picture =
        role.picture.as_ref().map_or(String::new(), |name| format!("\nAs a picture: {}", code(name)));
    let versions: String =
        role.versions.iter().take(lines).map(|version| format!("{}  \n", code(version))).collect();
    let summary =
        format!("Files changed in {} ({} of {})", html(&role.role), role.files.len(), role.files_in_all);
    let versions = if versions.is_empty() { versions } else { versions + "\n" };
    fold(&summary, &format!("{versions}{}{picture}", fence(&list)))
}

fn line(file: &File) -> String {
    let sign = match file.what.as_str() {
        "added" => '+',
        "removed" => '-',
        _ => '~',
    };
    let moved = more(Unit::Bytes, file.new_bytes as i64 - file.old_bytes as i64);
    let size = if sign == '-' { file.old_bytes } else { file.new_bytes };
    let how: Vec<&str> = file.how.iter().map(String::as_str).filter(|how| *how != "content").collect();
    let how = if how.is_empty() { String::new() } else { format!("  ({})", how.join(", ")) };
    format!("{sign} {}  {}  {moved}{how}", file.path, bytes(size))
}

/// What was edited and reaches no key.
fn edits(report: &Report, lines: usize) -> String {
    let told: Vec<String> = report
        .affected
        .recipes
        .iter()
        .map(|recipe| {
            let tests = recipe.tests.then(|| "its tests".to_string());
            let words: Vec<String> = recipe.facts.iter().map(|fact| code(fact)).chain(tests).collect();
            format!("- {}: {}", code(&recipe.recipe), words.join(", "))
        })
        .collect();
    let (shown, rest) = first(&told, lines);
    match shown {
        [] => String::new(),
        shown => fold(
            &format!("Edited in {} recipes without another build", told.len()),
            &(shown.join("\n") + &rest.map_or(String::new(), |rest| format!("\n- {rest}"))),
        ),
    }
}

fn done(report: &Report) -> String {
    let tests = &report.tests;
    let mut parts = Vec::new();
    if tests.passed + tests.failed > 0 {
        let in_store =
            if tests.in_store > 0 { format!(" ({} before)", tests.in_store) } else { String::new() };
        let failed = if tests.failed > 0 { format!(", {} failed", tests.failed) } else { String::new() };
        parts.push(format!("{} tests passed{in_store}{failed}", tests.passed));
    }
    if report.findings_elsewhere > 0 {
        parts.push(format!(
            "{} findings of lints in files that this does not touch",
            report.findings_elsewhere
        ));
    }
    if parts.is_empty() { String::new() } else { parts.join(" · ") + "\n\n" }
}
