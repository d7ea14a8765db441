//! The commands: one file a subcommand, each a short list of calls into the rooms.

pub mod boot;
mod build;
mod bump;
mod cat;
pub mod channel;
mod check;
pub mod ci;
mod completions;
pub mod ctl;
pub mod cve;
pub mod debug;
mod debuginfod;
mod deps;
mod diff;
pub mod env;
mod fetch;
mod fmt;
mod from;
mod image;
pub mod image_as;
mod info;
pub mod licenses;
pub mod lint;
mod list;
mod log;
mod ls;
mod new;
mod observe;
mod plan;
pub mod pull;
mod rotate;
pub mod sbom;
mod search;
mod seed;
mod shell;
mod site;
mod size;
mod store;
mod subject;
pub mod test;
mod text;
mod told;
mod why;
mod why_depends;

use workbench::test::Wish;

use crate::arguments::Command;
use crate::context::Context;
use crate::trouble::Result;

/// Whether a command is only of image files, which need no tap.
pub fn is_of_files(command: &Command) -> bool {
    match command {
        Command::Ls { image, .. }
        | Command::Cat { image, .. }
        | Command::Text { image }
        | Command::Why { image, .. }
        | Command::Size { image, .. } => subject::is_place(image),
        Command::Diff { old, new: Some(new), .. } => subject::is_place(old) && subject::is_place(new),
        Command::Channel(channel::Channel::Publish { .. }) => false,
        Command::Boot(wish) => wish.from.is_some(),
        Command::Ctl(_) => true,
        Command::Channel(_) | Command::Pull(_) => true,
        _ => false,
    }
}

pub fn run(context: &Context, command: Command) -> Result<()> {
    match command {
        Command::Lint(wish) => lint::run(context, &wish),
        Command::Fmt { names, check: false } => fmt::write(context, &names),
        Command::Fmt { names, check: true } => fmt::check(context, &names),
        Command::Fetch { names } => fetch::run(context, &names),
        Command::Plan { names } => plan::run(context, &names),
        Command::Build { names, from: Some(tree), .. } => from::run(context, &names, &tree),
        Command::Build { names, all: false, .. } => build::run(context, &names),
        Command::Build { all: true, .. } => build::all(context),
        Command::Check { names } => check::run(context, &names),
        Command::Test { names, smoke, upstream, all } => {
            test::run(context, &names, Wish { smoke: smoke || all, upstream: upstream || all })
        }
        Command::Shell { name, at, with, command } => {
            shell::run(context, &shell::Wish { name, at, with, command })
        }
        Command::Log { name } => log::run(context, &name),
        Command::Why { image, path } => why::run(context, &image, &path),
        Command::Size { image, svg, html } => size::run(context, &size::Wish { image, svg, html }),
        Command::Ls { image, path } => ls::run(context, &image, &path),
        Command::Cat { image, path } => cat::run(context, &image, &path),
        Command::Text { image } => text::run(context, &image),
        Command::Diff { old, new, base } => diff::run(context, &diff::Wish { old, new, base }),
        Command::Image { role, observe: true, .. } => observe::run(context, &role),
        Command::Image { role, to, text, other, .. } if other.formats.is_empty() => {
            image::run(context, &role, to.as_deref(), text)
        }
        Command::Image { role, other, .. } => image_as::run(context, &other.wish(role)),
        Command::Sbom(wish) => sbom::run(context, &wish),
        Command::Licenses(wish) => licenses::run(context, &wish),
        Command::Cve(wish) => cve::run(context, &wish),
        Command::Boot(wish) => boot::run(context, &wish),
        Command::Ctl(wish) => ctl::run(context, &wish),
        Command::Env(command) => env::run(context, &command),
        Command::Ci(command) => ci::run(context, &command),
        Command::Channel(command) => channel::run(context, &command),
        Command::Pull(wish) => pull::run(context, &wish),
        Command::Store(command) => store::run(context, &command),
        Command::Seed(command) => seed::run(context, &command),
        Command::List => list::run(context),
        Command::Info { name } => info::run(context, &name),
        Command::Deps { names, tree, reverse, tools, svg } => {
            deps::run(context, &deps::Wish { names, tree, reverse, tools, svg })
        }
        Command::WhyDepends { from, to } => why_depends::run(context, &from, &to),
        Command::Search { words } => search::run(context, &words),
        Command::Bump { names, to, pre, branch, dry_run, build } => {
            bump::run(context, &bump::Wish { names, to, pre, branch, dry_run, build })
        }
        Command::Debug(wish) => debug::run(context, &wish),
        Command::Debuginfod { listen } => debuginfod::run(context, &listen),
        Command::New { name, place } => new::run(context, &name, &place),
        Command::Completions { shell } => completions::run(shell),
    }
}
