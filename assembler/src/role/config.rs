//! A configuration file that the agent renders from a template.

use kegs::fault::Faults;
use kegs::reader::{Place, Read};

use super::{Role, path_fault};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// A file in the role's folder.
    pub template: String,
    /// What stands in it.
    pub template_text: String,
    /// Permission bits.
    pub mode: u32,
    /// `root`, or a user of a service.
    pub owner: String,
    /// Written only when absent.
    pub keep: bool,
    span: std::ops::Range<usize>,
    owner_span: std::ops::Range<usize>,
}

impl Read for Config {
    fn read(at: &Place, faults: &mut Faults) -> Option<Config> {
        let mut table = at.table("a table", faults)?;
        let template: Option<kegs::reader::Written<String>> =
            table.need("template", "a file in the role's folder, as `template = \"nginx.conf\"`");
        let owner: Option<kegs::reader::Written<String>> = table.take("owner");
        let config = Config {
            span: template.as_ref().map_or(at.span.start..at.span.start, |template| template.span.clone()),
            template: template.map(|template| template.value).unwrap_or_default(),
            template_text: String::new(),
            mode: table.take::<Mode>("mode").map_or(0o644, |mode| mode.0),
            owner_span: owner.as_ref().map_or(0..0, |owner| owner.span.clone()),
            owner: owner.map_or_else(|| "root".to_string(), |owner| owner.value),
            keep: table.or_default("keep"),
        };
        table.close("in a config");
        Some(config)
    }
}

/// Octal digits in a string: a bare `0644` is no TOML integer, and 644 would be another number.
struct Mode(u32);

impl Read for Mode {
    fn read(at: &Place, faults: &mut Faults) -> Option<Mode> {
        let text = at.string("a mode as \"0640\"", faults)?;
        let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777 && !text.starts_with('+'));
        let refuse = |faults| at.fail(format!("`{text}` is no mode"), "octal, \"0000\" to \"0777\"", faults);
        mode.map(Mode).or_else(|| refuse(faults))
    }
}

/// Paths and owners are right, and each template is there: its text goes into the role.
pub fn fill(role: &mut Role, faults: &mut Faults) {
    let users: Vec<_> =
        role.users().iter().map(|user| user.to_string()).chain(["root".to_string()]).collect();
    for (path, config) in &mut role.configs.0 {
        if let Some(help) = path_fault(path) {
            let message = format!("`{path}` is no absolute path");
            faults.push(role.text.fault(config.span.clone(), message).help(help));
        }
        let config = &mut config.value;
        if !users.contains(&config.owner) {
            let help = kegs::reader::meant(&config.owner, users.iter().map(String::as_str));
            let message = format!("no service runs as `{}`", config.owner);
            faults.push(role.text.fault(config.owner_span.clone(), message).help(help));
        }
        if config.template.is_empty() && config.span.is_empty() {
            // That it is missing was told.
            continue;
        }
        match read(role.folder.as_path(), &config.template) {
            Ok(text) => config.template_text = text,
            Err((message, help)) => {
                faults.push(role.text.fault(config.span.clone(), message).help(help).id("T18"));
            }
        }
    }
}

fn read(folder: &std::path::Path, template: &str) -> Result<String, (String, String)> {
    if template.is_empty() || template.contains('/') || template == ".." || template == "." {
        let help = "a file in the role's own folder, without `/`".to_string();
        return Err((format!("`{template}` is no template's name"), help));
    }
    std::fs::read_to_string(folder.join(template)).map_err(|error| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let help = match kegs::reader::nearest(template, names.iter().map(String::as_str)) {
            Some(near) if near != template => format!("did you mean `{near}`?"),
            _ => format!("it stands in `roles/{name}/`"),
        };
        (format!("cannot read the template `{template}`: {error}"), help)
    })
}
