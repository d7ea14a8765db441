//! Trouble: everything that ends a command, by what its reader would do next.

use std::process::ExitCode;

use kegs::Faults;

#[derive(Debug)]
pub enum Trouble {
    /// A person wrote it: shown with their text.
    Faults(Faults),
    /// Their input or a build failed; the message says what to do.
    Failed(String),
    /// It was said already, line by line.
    Said,
    /// Ctrl-C.
    Cancelled,
    /// Ours.
    Bug(String),
}

pub type Result<T> = std::result::Result<T, Trouble>;

impl Trouble {
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Trouble::Bug(_) => ExitCode::from(2),
            // As a shell says an interrupt.
            Trouble::Cancelled => ExitCode::from(130),
            _ => ExitCode::from(1),
        }
    }
}

impl From<Faults> for Trouble {
    fn from(faults: Faults) -> Trouble {
        Trouble::Faults(faults)
    }
}

impl From<workbench::test::TestError> for Trouble {
    fn from(error: workbench::test::TestError) -> Trouble {
        match error {
            workbench::test::TestError::Cancelled => Trouble::Cancelled,
            error => Trouble::Failed(error.to_string()),
        }
    }
}

impl From<ci::channel::ChannelError> for Trouble {
    fn from(error: ci::channel::ChannelError) -> Trouble {
        match error {
            ci::channel::ChannelError::Cancelled => Trouble::Cancelled,
            error => Trouble::Failed(error.to_string()),
        }
    }
}

impl From<ci::chaos::ChaosError> for Trouble {
    fn from(error: ci::chaos::ChaosError) -> Trouble {
        match error {
            ci::chaos::ChaosError::Cancelled => Trouble::Cancelled,
            error => Trouble::Failed(error.to_string()),
        }
    }
}

/// What the rooms report about the world is a message that says what was tried and what to do.
macro_rules! failed {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Trouble {
            fn from(error: $error) -> Trouble {
                Trouble::Failed(error.to_string())
            }
        })*
    };
}

failed!(
    kegs::StoreError,
    builder::schedule::BuildError,
    builder::schedule::action::PrepareError,
    builder::seed::SeedError,
    builder::sandbox::SandboxError,
    assembler::ComposeError,
    ci::boot::BootError,
);
