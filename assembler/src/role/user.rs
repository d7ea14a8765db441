//! A user that somebody may log in as, or whose home is not the root. Services' users need no words.

use kegs::fault::Faults;
use kegs::reader::{Place, Read};

use super::service::AbsolutePath;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// A program of the role's kegs; `None`: nobody logs in.
    pub shell: Option<String>,
    pub home: Option<String>,
}

impl Read for User {
    fn read(at: &Place, faults: &mut Faults) -> Option<User> {
        let mut table = at.table("a table", faults)?;
        let user = User {
            shell: table.take::<Program>("shell").map(|program| program.0),
            home: table.take::<AbsolutePath>("home").map(|path| path.0),
        };
        table.close("in a user");
        Some(user)
    }
}

/// A name as `bin/` of the image has it.
struct Program(String);

impl Read for Program {
    fn read(at: &Place, faults: &mut Faults) -> Option<Program> {
        let name = at.string("a program's name", faults)?;
        // It stands in a line of /etc/passwd, between colons.
        let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c));
        let refuse =
            |faults| at.fail(format!("`{name}` is no program's name"), "as \"sh\", without a folder", faults);
        if fits { Some(Program(name.to_string())) } else { refuse(faults) }
    }
}
