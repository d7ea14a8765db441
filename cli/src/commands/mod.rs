//! The commands: one file a subcommand, each a short list of calls into the rooms.

mod boot;
mod build;
mod bump;
mod check;
mod completions;
pub mod cve;
mod deps;
mod fetch;
mod fmt;
mod from;
mod image;
mod info;
pub mod licenses;
pub mod lint;
mod list;
mod log;
mod new;
mod plan;
pub mod sbom;
mod search;
mod seed;
mod shell;
mod size;
mod store;
mod test;
mod why;
mod why_depends;

use workbench::test::Wish;

use crate::arguments::Command;
use crate::context::Context;
use crate::trouble::Result;

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
        Command::Why { role, path } => why::run(context, &role, &path),
        Command::Size { role } => size::run(context, &role),
        Command::Image { role, to, text } => image::run(context, &role, to.as_deref(), text),
        Command::Sbom(wish) => sbom::run(context, &wish),
        Command::Licenses(wish) => licenses::run(context, &wish),
        Command::Cve(wish) => cve::run(context, &wish),
        Command::Boot { role, check, console, memory, environment } => {
            boot::run(context, &boot::Wish { role, check, console, memory_mb: memory, environment })
        }
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
        Command::New { name, place } => new::run(context, &name, &place),
        Command::Completions { shell } => completions::run(shell),
    }
}
