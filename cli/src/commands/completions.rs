//! `rootbrew completions`.

use clap::CommandFactory;

use crate::arguments::Arguments;
use crate::trouble::Result;

pub fn run(shell: clap_complete::Shell) -> Result<()> {
    clap_complete::generate(shell, &mut Arguments::command(), "rootbrew", &mut std::io::stdout());
    Ok(())
}
