//! A trial: what is made up before a boot, so that a role can be asked that has no environment yet. Its commands run here,
//! on the machine that asks, in a folder that is gone when the trial is.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{BootError, answer, tether};

/// The commands of a role's `[trial]`; `{role}` stands for the role's folder.
#[derive(Debug)]
pub struct Trial<'a> {
    pub run: &'a [Vec<String>],
    pub role: &'a Path,
}

/// Runs the commands in order; the folder that they ran in.
///
/// # Errors
/// The first that does not exit with 0 or is not installed, with what it said.
pub fn prepare(trial: &Trial) -> Result<TempDir, BootError> {
    let folder = TempDir::with_prefix("rootbrew-trial-")
        .map_err(BootError::world("make a folder in", std::env::temp_dir()))?;
    trial.run.iter().try_for_each(|words| run(words, trial.role, folder.path()))?;
    Ok(folder)
}

fn run(words: &[String], role: &Path, folder: &Path) -> Result<(), BootError> {
    let meaning = |word: &str| match word {
        "role" => Ok(role.display().to_string()),
        _ => Err(format!("unknown word `{{{word}}}`; there is `{{role}}`")),
    };
    let failed = |reason: String, talk: &str| BootError::Trial {
        command: words.join(" "),
        reason,
        output: talk.lines().map(Into::into).collect(),
    };
    let filled = words.iter().map(|word| answer::fill_word(word, &meaning)).collect::<Result<Vec<_>, _>>();
    let filled = filled.map_err(|reason| failed(reason, ""))?;
    let (program, arguments) = filled.split_first().ok_or_else(|| failed("it has no command".into(), ""))?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let child = tether::spawn(command).map_err(|source| BootError::start(program, source))?;
    let output = child.wait_with_output().map_err(BootError::world("wait for", program))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(output.status.to_string(), &String::from_utf8_lossy(&output.stderr))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(commands: &[&str], expected: Expect) {
        let run: Vec<Vec<String>> =
            commands.iter().map(|line| line.split(' ').map(Into::into).collect()).collect();
        let prepared = prepare(&Trial { run: &run, role: Path::new("/roles/r") });
        expected.assert_eq(&match prepared {
            Ok(folder) => std::fs::read_to_string(folder.path().join("made")).unwrap_or_default(),
            Err(error) => error.to_string(),
        });
    }

    #[test]
    fn commands_make_files() {
        check(
            &["cp /etc/shells made", "sed -i 1,$c\\{role} made"],
            expect![[r#"
            /roles/r
        "#]],
        );
    }

    #[test]
    fn what_fails_is_shown() {
        check(&["false"], expect!["trial `false`: exit status: 1"]);
        check(&["cat {x}"], expect!["trial `cat {x}`: unknown word `{x}`; there is `{role}`"]);
        check(
            &["rootbrew-no-such-maker"],
            expect![[r#"
            `rootbrew-no-such-maker` is not installed
            help: apt-get install rootbrew-no-such-maker"#]],
        );
    }
}
