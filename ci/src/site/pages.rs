//! Pages: facts into templates. The engine escapes every value, as the templates' names end in `.html`; what we drew ourselves
//! is marked `safe` there, and nothing else is.

use std::sync::OnceLock;

use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;
use serde_json::{Value, json};

use super::read::Channel;
use super::role;
use super::vulnerable::{self, Checked};
use super::{data, shown};
use crate::channel::History;

pub const TEMPLATES: [(&str, &str); 8] = [
    ("cells.html", include_str!("templates/cells.html")),
    ("base.html", include_str!("templates/base.html")),
    ("door.html", include_str!("templates/door.html")),
    ("index.html", include_str!("templates/index.html")),
    ("role.html", include_str!("templates/role.html")),
    ("image.html", include_str!("templates/image.html")),
    ("compare.html", include_str!("templates/compare.html")),
    ("cve.html", include_str!("templates/cve.html")),
];
const STYLE: &str = include_str!("templates/style.css");
const SCRIPT: &str = include_str!("templates/compare.js");

fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        for (name, text) in TEMPLATES {
            let added = environment.add_template(name, text);
            added.unwrap_or_else(|error| panic!("our own template {name}: {error:#}"));
        }
        environment
    })
}

/// `up` leads to `site/`, and is ours: no slash of it is escaped.
pub fn render(template: &str, up: &str, value: impl Serialize) -> String {
    let up = minijinja::Value::from_safe_string(up.to_string());
    let value = context! { up, it => minijinja::Value::from_serialize(&value) };
    let page = environment().get_template(template).and_then(|template| template.render(value));
    page.unwrap_or_else(|error| panic!("our own template {template}: {error:#}"))
}

/// What leads from the channel's root to the pages.
pub fn front_door() -> String {
    render("door.html", "site/", ())
}

/// Every page that is of no image, by its path in `site/`.
pub fn of_lines(channel: &Channel, checked: &Checked) -> Vec<(String, String)> {
    let mut pages = vec![
        ("style.css".to_string(), STYLE.to_string()),
        ("compare.js".to_string(), SCRIPT.to_string()),
        ("images.js".to_string(), data::index(channel)),
        ("index.html".to_string(), render("index.html", "", index(channel, checked))),
        ("compare.html".to_string(), render("compare.html", "", lines(channel, checked))),
        ("cve.html".to_string(), render("cve.html", "", cve(channel, checked))),
    ];
    for history in &channel.histories {
        let path = format!("role/{}/{}.html", history.line, history.role);
        pages.push((path, render("role.html", "../../", role::page(channel, history, checked))));
    }
    pages
}

fn index(channel: &Channel, checked: &Checked) -> Value {
    let last = |history: &History| history.entries.len().saturating_sub(1);
    let newest = |history: &History| role::has_boots(channel, &history.entries[last(history)..]);
    json!({
        "has_boots": channel.histories.iter().any(newest),
        "version": channel.version, "expires": super::when(&channel.expires), "images": channel.images.len(),
        "asked": checked.records.is_some(), "lines": lines(channel, checked), "faults": faults(channel),
    })
}

fn faults(channel: &Channel) -> Vec<String> {
    channel.faults.iter().take(20).map(|fault| shown(fault)).collect()
}

/// Lines with their roles, each with its newest image.
fn lines(channel: &Channel, checked: &Checked) -> Value {
    let mut lines: Vec<(&str, Vec<Value>)> = Vec::new();
    for history in &channel.histories {
        if lines.last().is_none_or(|(line, _)| *line != history.line) {
            lines.push((&history.line, Vec::new()));
        }
        let of_role = of_role(channel, history, checked);
        lines.last_mut().into_iter().for_each(|(_, roles)| roles.extend(of_role.clone()));
    }
    lines.into_iter().map(|(line, roles)| json!({ "line": line, "roles": roles })).collect()
}

fn of_role(channel: &Channel, history: &History, checked: &Checked) -> Option<Value> {
    let newest = role::row(channel, history, history.entries.len().checked_sub(1)?, checked);
    Some(json!({
        "role": history.role, "held": history.held.as_deref().map(shown), "newest": newest,
        "count": history.entries.len(), "spark": role::spark(channel, history),
    }))
}

fn cve(channel: &Channel, checked: &Checked) -> Value {
    json!({ "records": checked.records, "damaged": checked.damaged, "rows": checked.rows(channel), "images": channel.images.len(),
        "more": checked.found.len().saturating_sub(vulnerable::ROWS_MAX) })
}
