//! rootbrew: the one program. Reads the command line, calls the rooms in their order, and is the only one that prints.
//!
//! Standard output is data, standard error is talk. Exit status: 0 done, 1 your input or a build failed, 2 our fault.

mod arguments;
mod commands;
mod context;
mod terminal;
mod trouble;
mod work;

use std::process::ExitCode;

use clap::Parser;

/// A plan of ten thousand recipes is millions of small texts: a quarter less processor time than with the C library's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The sandbox's helper is this program, executed again: first, while there is one thread.
    builder::sandbox::helper_main_if_asked();
    let mut arguments = arguments::Arguments::parse();
    if commands::is_of_files(&arguments.command) {
        arguments.global.tap.get_or_insert_with(|| ".".into());
    }
    let json = arguments.global.json;
    let ended = context::Context::new(arguments.global).and_then(|context| {
        let ended = run(&context, arguments.command);
        context.cache.sum_up();
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            terminal::trouble(&trouble, json);
            trouble.exit_code()
        }
    }
}

/// What was taken and can't be had is forgotten when that shows: the same command goes on without it, from what is done.
fn run(context: &context::Context, mut command: arguments::Command) -> trouble::Result<()> {
    loop {
        let refused = context.cache.refused();
        match commands::run(context, command) {
            Err(trouble) if !context.cancel.is_said() && context.cache.refused() > refused => {
                drop(trouble);
                terminal::talk("cache   going on without what can't be had");
                command = arguments::Arguments::parse().command;
            }
            ended => return ended,
        }
    }
}
