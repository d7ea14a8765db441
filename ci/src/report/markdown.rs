//! The report as Markdown: the verdict, then one screen, then folds.

use super::cut::first;
use super::escape::{code, codes, fence};
use super::figure::{Figure, Unit, seconds};
use super::{Asked, Failure, Finding, OnBase, Report, Role, Sides, fold};

/// `lines` is how many lines a list may have.
pub fn print(report: &Report, lines: usize) -> String {
    let mut out = head(report);
    let (failures, more) = first(&report.failures, lines);
    failures.iter().for_each(|one| out.push_str(&failure(one, lines)));
    out.extend(more.map(|more| format!("{more}\n\n")));
    out.push_str(&findings(&report.findings, lines.min(5)));
    out.push_str(&table(report, lines));
    out.push_str(&said(report, lines));
    out.push_str(&fold::all(report, lines));
    out.push_str(&format!(
        "Reproduce: {}\n",
        code(&format!("rootbrew ci run --base {}", short(&report.base)))
    ));
    out
}

fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}

fn head(report: &Report) -> String {
    let verdict = match () {
        () if !report.good => "failed",
        () if report.affected.is_nothing() => "ready to merge, nothing is affected",
        () => "ready to merge",
    };
    let mut out =
        format!("### rootbrew: {verdict}\n{} · base {}", seconds(report.wall_s), code(&short(&report.base)));
    out.extend(report.head.iter().map(|head| format!(" · head {}", code(&short(head)))));
    out.push_str("\n\n");
    let kegs = report.affected.kegs.iter().filter(|keg| keg.version != keg.old_version);
    let versions: Vec<String> = kegs
        .map(|keg| match (&keg.old_version, &keg.version) {
            (Some(old), Some(new)) => format!("{} {} → {}", code(&keg.keg), code(old), code(new)),
            (None, Some(new)) => format!("{} {} is new", code(&keg.keg), code(new)),
            (_, None) => format!("{} is gone", code(&keg.keg)),
        })
        .collect();
    let (shown, more) = first(&versions, 10);
    if !shown.is_empty() {
        out.push_str(&format!(
            "{}{}\n\n",
            shown.join(" · "),
            more.map_or(String::new(), |more| format!(" · {more}"))
        ));
    }
    if let Some(faults) = &report.affected.base_faults {
        out.push_str(&format!(
            "The base is not known, so everything is new:\n\n{}\n",
            fence(&last(faults, 15))
        ));
    }
    out
}

fn last(text: &str, count: usize) -> Vec<String> {
    text.lines().take(count).map(str::to_string).collect()
}

/// What failed, where, the last lines, and what to type next.
fn failure(one: &Failure, lines: usize) -> String {
    let step = one.step.iter().map(|step| format!(", {}", code(step))).collect::<String>();
    let mut out = format!("**failed: {}**{step}: {}\n", code(&one.subject), code(&one.end));
    if !one.tail.is_empty() {
        let from = one.tail.len().saturating_sub(lines.min(15));
        out.push_str(&format!("\n{}\n", fence(&one.tail[from..])));
    }
    let on_base = match &one.on_base {
        OnBase::Yes => Some("**Also fails on base: yes.**".to_string()),
        OnBase::No => Some("Also fails on base: no.".to_string()),
        OnBase::New => Some("The base has none.".to_string()),
        OnBase::Unknown(why) => Some(format!("Also fails on base: not known, {}.", code(why))),
        OnBase::NotAsked => None,
    };
    let (not_tried, more) = first(&one.not_tried, lines.min(12));
    let not_tried = match not_tried {
        [] => None,
        some => Some(format!(
            "Not tried because of it: {}{}.",
            codes(some.iter().map(String::as_str)),
            more.map_or(String::new(), |more| format!(", {more}"))
        )),
    };
    let command = one.command.as_ref().map(|command| format!("More: {}", code(command)));
    let rest: Vec<String> = [on_base, not_tried, command].into_iter().flatten().collect();
    out + &rest.join(" ") + "\n\n"
}

/// Warnings and errors of files of the change; the rest is in the JSON.
fn findings(all: &[Finding], lines: usize) -> String {
    let told: Vec<&Finding> = all.iter().filter(|finding| finding.severity != "info").collect();
    if told.is_empty() {
        return String::new();
    }
    let (shown, more) = first(&told, lines);
    let one = |finding: &&Finding| {
        let place = format!("{}:{}:{}", finding.file, finding.line, finding.column);
        format!(
            "- {} {} {} {}: {}\n",
            finding.severity,
            finding.id,
            finding.name,
            code(&place),
            code(&finding.message)
        )
    };
    let list: String = shown.iter().map(one).collect();
    format!(
        "**{} to look at**\n{list}{}\n",
        told.len(),
        more.map_or(String::new(), |more| format!("- {more}\n"))
    )
}

/// A column of the table, and the figure that it shows.
const COLUMNS: [(&str, &str); 5] = [
    ("RAM", "ram_idle"),
    ("wire", "root_wire"),
    ("disk", "root_disk"),
    ("files", "files"),
    ("setuid", "setuid"),
];

fn table(report: &Report, lines: usize) -> String {
    let mut out = String::new();
    let other: Vec<&Role> = report.roles.iter().filter(|role| !role.same_bytes).collect();
    let same = report.same_roles + report.roles.len() - other.len();
    if !other.is_empty() {
        let has_cves = other.iter().any(|role| role.cves.is_some());
        let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        out.push_str(&format!(
            "| role | boot | {} | ports |{}\n",
            names.join(" | "),
            if has_cves { " CVE |" } else { "" }
        ));
        out.push_str(&format!("|{}\n", "---|".repeat(3 + COLUMNS.len() + usize::from(has_cves))));
        // A row is not a detail: more of them are shown than of what is folded.
        let (shown, more) = first(&other, lines.max(10));
        shown.iter().for_each(|role| out.push_str(&row(role, has_cves)));
        out.push('\n');
        out.extend(more.map(|more| format!("{more}\n")));
    }
    match same {
        0 => {}
        1 => out.push_str("1 other role: same bytes.\n\n"),
        same if other.is_empty() => out.push_str(&format!("{same} roles: same bytes.\n\n")),
        same => out.push_str(&format!("{same} other roles: same bytes.\n\n")),
    }
    out
}

fn row(role: &Role, has_cves: bool) -> String {
    let cell = |key: &str| figure(role, key).map_or("–".to_string(), Figure::cell);
    let cells: Vec<String> = COLUMNS.iter().map(|(_, key)| cell(key)).collect();
    let cves = role.cves.as_ref().map_or("–".to_string(), moved);
    let cves = if has_cves { format!(" {cves} |") } else { String::new() };
    format!(
        "| {} | {} | {} | {} |{cves}\n",
        code(&role.role),
        boot(role),
        cells.join(" | "),
        moved(&role.ports)
    )
}

fn figure<'r>(role: &'r Role, key: &str) -> Option<&'r Figure> {
    role.figures.iter().find(|figure| figure.key == key)
}

fn boot(role: &Role) -> String {
    let took = figure(role, "boot_ms").map_or(String::new(), |figure| format!(" {}", figure.cell()));
    match &role.asked {
        Asked::Ready | Asked::Before => format!("ready{took}"),
        Asked::Failed => "**failed**".to_string(),
        Asked::No(why) => why.clone(),
        Asked::NotNeeded => "as it was".to_string(),
    }
}

/// `2 (=)`, `3 (+1)`, `2`.
fn moved(sides: &Sides) -> String {
    let (added, gone) = (sides.added().len(), sides.gone().len());
    let count = sides.new.len();
    match (&sides.old, added, gone) {
        (None, ..) => count.to_string(),
        (_, 0, 0) => format!("{count} (=)"),
        (_, added, 0) => format!("{count} (+{added})"),
        (_, 0, gone) => format!("{count} (−{gone})"),
        (_, added, gone) => format!("{count} (+{added} −{gone})"),
    }
}

type Named = (&'static str, fn(&Role) -> Option<&Sides>);

/// The lines below the table, each only where it has something to say.
fn said(report: &Report, lines: usize) -> String {
    let subjects: [Named; 4] = [
        ("Ports", |role| Some(&role.ports)),
        ("Capabilities", |role| Some(&role.capabilities)),
        ("Licences", |role| Some(&role.licenses)),
        ("CVE", |role| role.cves.as_ref()),
    ];
    let mut out = String::new();
    for (name, sides) in subjects {
        let told: Vec<String> =
            report.roles.iter().filter_map(|role| difference(role, sides(role)?)).collect();
        let (shown, more) = first(&told, lines);
        if !shown.is_empty() {
            out.push_str(&format!("**{name}** {}", shown.join("; ")));
            out.extend(more.map(|more| format!("; {more}")));
            out.push_str(".  \n");
        }
    }
    let papers = report.affected.roles.iter().filter(|role| !role.papers.is_empty());
    let papers: Vec<String> = papers
        .map(|role| format!("{} of {}", code(&role.role), codes(role.papers.iter().map(String::as_str))))
        .collect();
    let (shown, more) = first(&papers, lines.min(5));
    if !shown.is_empty() {
        out.push_str(&format!(
            "**Papers** other facts in {}{}.  \n",
            shown.join("; "),
            more.map_or(String::new(), |more| format!("; {more}"))
        ));
    }
    out.push_str(&limits(report, lines));
    if out.is_empty() { out } else { out + "\n" }
}

fn difference(role: &Role, sides: &Sides) -> Option<String> {
    let (added, gone) = (sides.added(), sides.gone());
    let list = |sign: &str, words: &[&str]| {
        let (shown, more) = first(words, 12);
        let told = format!("{sign}{}", codes(shown.iter().copied()));
        (!words.is_empty()).then(|| told + &more.map_or(String::new(), |more| format!(" {more}")))
    };
    let both: Vec<String> = [list("+", &added), list("−", &gone)].into_iter().flatten().collect();
    (!both.is_empty()).then(|| format!("{} {}", code(&role.role), both.join(" ")))
}

/// Of each role that has other bytes, the limit that it is nearest to; a count is as large as it is meant to be.
fn limits(report: &Report, lines: usize) -> String {
    let nearest = |role: &Role| {
        let figure = role
            .figures
            .iter()
            .filter(|figure| figure.percent().is_some() && figure.unit != Unit::Count)
            .max_by_key(|figure| figure.percent())?;
        let limit = super::figure::said(figure.unit, figure.limit?);
        Some(format!("{} {} % of {limit} ({})", code(&role.role), figure.percent()?, code(&figure.key)))
    };
    let told: Vec<String> = report.roles.iter().filter(|role| !role.same_bytes).filter_map(nearest).collect();
    let (shown, more) = first(&told, lines.min(8));
    match shown {
        [] => String::new(),
        shown => format!(
            "**Limits** {}{}.  \n",
            shown.join(", "),
            more.map_or(String::new(), |more| format!(", {more}"))
        ),
    }
}
