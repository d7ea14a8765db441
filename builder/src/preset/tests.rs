//! Scripts and environments as text, for one recipe a preset.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use kegs::fault::Text;

use super::{KegAt, Place, Profile, environment, profile, script};
use crate::recipe::variant::*;
use crate::recipe::version::Version;
