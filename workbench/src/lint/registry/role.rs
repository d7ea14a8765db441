//! The ring `role`: what a role's kegs come to.

use super::Severity::Error;
use super::{Lint, Mend};

pub const LINTS: &[Lint] = &[
    Lint {
        id: "R01",
        name: "limit",
        severity: Error,
        mend: Mend::None,
        what: "an image over a limit of its role",
        why: "A limit is a promise to who pays for memory and disk. What grew is told by `rootbrew size ROLE`; \
              a higher limit is a decision, made in the role's text.",
        wrong: "[limits]\nroot_disk = \"8 MB\"  # and the image has 9.1 MB",
        right: "",
    },
    Lint {
        id: "R02",
        name: "new-port",
        severity: Error,
        mend: Mend::Proposed,
        what: "a service or a check with a port that `limits.ports` does not list",
        why: "What may listen is decided in one place and seen in review: a service that waits for a port, or \
              a check that asks one, must be in the list.",
        wrong: "ready = { tcp = 8443 }\n[limits]\nports = [443]",
        right: "[limits]\nports = [443, 8443]",
    },
    Lint {
        id: "R03",
        name: "two-variants",
        severity: Error,
        mend: Mend::None,
        what: "one recipe's slot wanted in two ways in one image",
        why: "An image holds one variant of a slot. Both askers are named.",
        wrong: "# a links \"pcre2[jit]\", b links \"pcre2[-jit]\"",
        right: "",
    },
    Lint {
        id: "R04",
        name: "path-collision",
        severity: Error,
        mend: Mend::Proposed,
        what: "two kegs with one path in `/bin`, and nobody says which",
        why: "Which program runs must not depend on an order. `[prefer]` names the keg.",
        wrong: "kegs = [\"busybox\", \"bash\"]  # both have bin/sh",
        right: "[prefer]\n\"bin/sh\" = \"bash\"",
    },
];
