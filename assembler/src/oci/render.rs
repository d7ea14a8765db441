//! A role's configuration for a container: rendered from the defaults of its environment, as the agent would for a host
//! that has the role's name.
//!
//! A template that asks for a name without a default is not rendered: half a configuration, or a secret, has no place in an
//! image. Such a file is mounted instead. The agent's rules hold (`agent/src/render.rs`): strict about undefined names,
//! trailing line ends kept, the line end after a block taken away.

use std::collections::BTreeMap;

use kegs::reader::Scalar;
use minijinja::{Environment, UndefinedBehavior, Value};

use super::container::id;
use crate::role::{self, Config, Role, Variable};
use crate::tree::{Node, Reason};

/// What came of the role's templates.
#[derive(Debug, Default)]
pub struct Rendered {
    /// By path in the container, with a leading slash.
    pub files: Vec<(String, Node)>,
    pub mounts: Vec<Mount>,
}

/// A file that who starts the container must give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub path: String,
    /// The names without a default that its template may ask for: `tls_key`.
    pub names: Vec<String>,
}

pub fn render(role: &Role) -> Rendered {
    let names = names(role);
    let mut rendered = Rendered::default();
    for (path, config) in role.configs.iter() {
        match one(&config.value, &names) {
            Ok(text) => rendered.files.push((path.clone(), node(&config.value, &text))),
            Err(_) => rendered
                .mounts
                .push(Mount { path: path.clone(), names: missing(role, &config.value.template_text) }),
        }
    }
    rendered
}

fn one(config: &Config, names: &BTreeMap<String, Value>) -> Result<String, minijinja::Error> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_keep_trailing_newline(true);
    engine.set_trim_blocks(true);
    engine.render_named_str(&config.template, &config.template_text, names)
}

fn node(config: &Config, text: &str) -> Node {
    let id = id(&config.owner);
    // Permission bits alone: the reader of roles allows no more.
    let mode = (config.mode & 0o777) as u16;
    Node {
        uid: id,
        gid: id,
        ..Node::inline(text, mode, Reason::role(format!("rendered from {}", config.template)))
    }
}

/// The words of a host that is called as the role, and every name that has a value or need not have one.
fn names(role: &Role) -> BTreeMap<String, Value> {
    let words = words(&role.name);
    let given = |variable: &Variable| !variable.required && !variable.secret;
    let env = role.env.iter().filter(|(_, variable)| given(&variable.value));
    let value = |variable: &Variable| match &variable.default {
        // A template may ask whether it is there: `{% if x %}`.
        None => Value::from(()),
        Some(role::Value::Scalar(Scalar::String(text))) => Value::from(fill(text, &words)),
        Some(role::Value::Scalar(Scalar::Integer(number))) => Value::from(*number),
        Some(role::Value::Scalar(Scalar::Bool(bool))) => Value::from(*bool),
        Some(role::Value::List(items)) => {
            Value::from(items.iter().map(|item| fill(item, &words)).collect::<Vec<_>>())
        }
    };
    let mut names: BTreeMap<String, Value> =
        words.iter().map(|(name, value)| (name.to_string(), Value::from(value.as_str()))).collect();
    names.extend(env.map(|(name, variable)| (name.clone(), value(&variable.value))));
    names
}

/// As `agent/src/words.rs` has them for such a name: a host that says no stage is `dev`, one that says no number is 1.
fn words(role: &str) -> [(&'static str, String); 4] {
    let plain = |word: &str| word.to_string();
    [("host", plain(role)), ("role", plain(role)), ("stage", plain("dev")), ("number", plain("1"))]
}

fn fill(text: &str, words: &[(&'static str, String); 4]) -> String {
    words.iter().fold(text.to_string(), |text, (word, value)| text.replace(&format!("{{{word}}}"), value))
}

/// Names that have no value here and stand in the template.
fn missing(role: &Role, template: &str) -> Vec<String> {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: Vec<&str> = template.split(|c| !letter(c)).collect();
    let open = role.env.iter().filter(|(_, variable)| variable.value.required || variable.value.secret);
    open.filter(|(name, _)| words.contains(&name.as_str())).map(|(name, _)| name.clone()).collect()
}
