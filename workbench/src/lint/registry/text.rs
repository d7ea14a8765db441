//! The ring `text`: what one recipe's or role's files tell.

use super::Severity::{Error, Info, Warning};
use super::{Lint, Mend};

pub const LINTS: &[Lint] = &[
    Lint {
        id: "T00",
        name: "not-toml",
        severity: Error,
        mend: Mend::None,
        what: "the text is not TOML",
        why: "A file that cannot be read is judged no further: what would be guessed of the rest misleads. The \
              file is UTF-8, without a byte-order mark, without NUL, nested less than 80 deep and smaller than \
              4 MiB.",
        wrong: "version = 1.3.2",
        right: "version = \"1.3.2\"",
    },
    Lint {
        id: "T01",
        name: "unknown-key",
        severity: Error,
        mend: Mend::Proposed,
        what: "a key that the schema does not have",
        why: "A misspelt key would be silently without effect: the patch that is never applied, the option \
              that is never on. The nearest key is named.",
        wrong: "patchs = [\"fix.patch\"]",
        right: "patches = [\"fix.patch\"]",
    },
    Lint {
        id: "T02",
        name: "key-order",
        severity: Info,
        mend: Mend::Safe,
        what: "keys out of their canonical order",
        why: "All recipes read alike: what it is, where it comes from, how it is built, what proves it. The \
              order is that of docs/recipes.md; `rootbrew fmt` writes it.",
        wrong: "version = \"1.3.2\"\nsummary = \"Lossless compression\"",
        right: "summary = \"Lossless compression\"\nversion = \"1.3.2\"",
    },
    Lint {
        id: "T03",
        name: "format",
        severity: Warning,
        mend: Mend::Safe,
        what: "not as `rootbrew fmt` writes it",
        why: "One form, so that a diff shows what changed and nothing else, and bots can rewrite a recipe \
              without a word about taste.",
        wrong: "preset='make'",
        right: "preset  = \"make\"",
    },
    Lint {
        id: "T04",
        name: "summary-style",
        severity: Warning,
        mend: Mend::Safe,
        what: "a summary with a dot, an article, a small first letter or more than 72 characters",
        why: "Summaries stand in lists, below one another on a terminal. What is longer than 72 characters a \
              person shortens; the rest `--fix` mends.",
        wrong: "summary = \"a library for compression.\"",
        right: "summary = \"Library for compression\"",
    },
    Lint {
        id: "T05",
        name: "summary-name",
        severity: Warning,
        mend: Mend::Proposed,
        what: "a summary that begins with the recipe's name",
        why: "The name stands beside it already: `zlib  zlib is a library` wastes the reader's first words.",
        wrong: "summary = \"Zlib is lossless compression\"",
        right: "summary = \"Lossless compression in the deflate format\"",
    },
    Lint {
        id: "T06",
        name: "license-spdx",
        severity: Error,
        mend: Mend::Proposed,
        what: "a licence that SPDX does not know",
        why: "Licences of an image are added up by programs. What they do not know is nobody's permission. A \
              text that has no id is `LicenseRef-…`.",
        wrong: "license = \"zlib License\"",
        right: "license = \"Zlib\"",
    },
    Lint {
        id: "T07",
        name: "license-gpl-plain",
        severity: Error,
        mend: Mend::Proposed,
        what: "a GNU licence without `-only` or `-or-later`",
        why: "`GPL-2.0` says two things at once, and SPDX withdrew it: whether a later version may be chosen \
              decides what may be linked with what. Upstream's file headers say which it is.",
        wrong: "license = \"GPL-2.0\"",
        right: "license = \"GPL-2.0-or-later\"",
    },
    Lint {
        id: "T08",
        name: "insecure-url",
        severity: Warning,
        mend: Mend::Safe,
        what: "`http://` or `ftp://` where `https://` serves the same",
        why: "The digest decides which bytes are used, but who listens on the way learns what is built, and \
              who stands in it can withhold. Hosts that are known to answer only without TLS are left alone.",
        wrong: "source = \"http://zlib.net/zlib-{version}.tar.gz\"",
        right: "source = \"https://zlib.net/zlib-{version}.tar.gz\"",
    },
    Lint {
        id: "T09",
        name: "no-digest",
        severity: Error,
        mend: Mend::Proposed,
        what: "a source without a digest",
        why: "Without a digest the place decides which bytes are built, and any mirror, proxy or attacker is \
              the place. `sha256` stands beside the source; a slot that changes the version needs its own.",
        wrong: "source = \"https://zlib.net/zlib-{version}.tar.gz\"",
        right: "source = \"https://zlib.net/zlib-{version}.tar.gz\"\nsha256 = \"bb329a0a2cd0274d05519d61c667c062e06990d72e125ee2dfa8de64f0119d16\"",
    },
    Lint {
        id: "T10",
        name: "short-commit",
        severity: Error,
        mend: Mend::None,
        what: "a commit that is not written whole",
        why: "Seven digits are ambiguous tomorrow, and a branch's name moves. Forty hex digits (64 in a sha256 \
              repository) name one tree for ever.",
        wrong: "commit = \"e89fff8\"",
        right: "commit = \"e89fff89ac9af12e8d4ce9d5fd07beb408ca730f\"",
    },
    Lint {
        id: "T11",
        name: "tag-only",
        severity: Error,
        mend: Mend::Proposed,
        what: "a git source without its commit",
        why: "Tags move: upstream may set one anew, and who holds the repository may too. The commit decides, \
              the tag is for people and for `bump`. A tag may not begin with `-`: git would read it as an \
              option.",
        wrong: "source = { git = \"https://github.com/BurntSushi/ripgrep\", tag = \"{version}\" }",
        right: "source = { git = \"https://github.com/BurntSushi/ripgrep\", tag = \"{version}\", commit = \"e89fff89ac9af12e8d4ce9d5fd07beb408ca730f\" }",
    },
    Lint {
        id: "T12",
        name: "version-in-url",
        severity: Warning,
        mend: Mend::Safe,
        what: "the version written out in a source's URL",
        why: "The next bump changes `version` and forgets the URL: a recipe that says 1.4 and builds 1.3. \
              `{version}` stands for it.",
        wrong: "source = \"https://zlib.net/zlib-1.3.2.tar.gz\"",
        right: "source = \"https://zlib.net/zlib-{version}.tar.gz\"",
    },
    Lint {
        id: "T13",
        name: "bad-word",
        severity: Error,
        mend: Mend::Proposed,
        what: "a word in braces that there is not",
        why: "There are ten words in braces and no expressions. What is not one of them would stand in a \
              command as it is.",
        wrong: "args = [\"--prefix={prefix}\"]",
        right: "args = [\"--prefix={keg}\"]",
    },
    Lint {
        id: "T14",
        name: "dup-dep",
        severity: Error,
        mend: Mend::Safe,
        what: "the same dependency twice",
        why: "Two lines of one thing: one of them is changed later, and the other one holds.",
        wrong: "link = [\"zlib\", \"openssl@3\", \"zlib\"]",
        right: "link = [\"zlib\", \"openssl@3\"]",
    },
    Lint {
        id: "T15",
        name: "default-arg",
        severity: Warning,
        mend: Mend::Safe,
        what: "an argument that the preset gives anyway",
        why: "It is noise that the next author copies, and it stays when the preset learns better.",
        wrong: "preset = \"autotools\"\nargs = [\"--disable-dependency-tracking\", \"--without-x\"]",
        right: "preset = \"autotools\"\nargs = [\"--without-x\"]",
    },
    Lint {
        id: "T16",
        name: "drop-nothing",
        severity: Warning,
        mend: Mend::Safe,
        what: "`args_drop` or `allow` that takes nothing away",
        why: "What silences nothing hides the next real finding; what drops nothing says that the author \
              thinks of another recipe. (`remove` is judged by the ring `keg`, which knows the files.)",
        wrong: "allow = { T12 = \"the URL has no version\" }  # and no T12 is found",
        right: "",
    },
    Lint {
        id: "T17",
        name: "file-unlisted",
        severity: Warning,
        mend: Mend::Proposed,
        what: "a file in the recipe's folder that no key names",
        why: "A patch that nobody applies looks as if it were applied. Only what a key names is seen by the \
              build.",
        wrong: "# patches/fix-cve.patch is there, and\npatches = []",
        right: "patches = [\"patches/fix-cve.patch\"]",
    },
    Lint {
        id: "T18",
        name: "file-missing",
        severity: Error,
        mend: Mend::None,
        what: "a file that a key names and that is not there",
        why: "The build would stop at it; it is said at the key, with the nearest name of what is there.",
        wrong: "patches = [\"patches/fix-cev.patch\"]",
        right: "patches = [\"patches/fix-cve.patch\"]",
    },
    Lint {
        id: "T19",
        name: "patch-header",
        severity: Warning,
        mend: Mend::None,
        what: "a patch that does not say why it is, or what upstream thinks of it",
        why: "In a year nobody knows whether a patch can go. Two lines above the first `---` tell: `Why:` and \
              `Upstream:` (a link, a commit, `not sent, because …`).",
        wrong: "--- a/Makefile\n+++ b/Makefile",
        right: "Why: the Makefile overwrites CFLAGS, and with them our hardening.\nUpstream: https://github.com/madler/zlib/pull/1\n--- a/Makefile\n+++ b/Makefile",
    },
    Lint {
        id: "T20",
        name: "patch-escape",
        severity: Error,
        mend: Mend::None,
        what: "a patch with a path that leaves the source tree, or that is no patch",
        why: "`patch` would refuse it inside the sandbox, in the middle of a build. A patch names files of the \
              source tree by `a/…` and `b/…`, without `..` and never absolute.",
        wrong: "--- a/../../etc/passwd\n+++ b/../../etc/passwd",
        right: "--- a/src/passwd.c\n+++ b/src/passwd.c",
    },
    Lint {
        id: "T21",
        name: "steps-unlisted",
        severity: Error,
        mend: Mend::Safe,
        what: "a `do_…` of steps.sh that `override` does not name",
        why: "Only what `override` names is run: a `do_install` that it does not name is dead text that looks \
              alive.",
        wrong: "# steps.sh has do_install(), and\noverride = [\"build\"]",
        right: "override = [\"build\", \"install\"]",
    },
    Lint {
        id: "T22",
        name: "shell",
        severity: Warning,
        mend: Mend::None,
        what: "a step of steps.sh in which a failure or a space goes wrong",
        why: "The few of shellcheck's warnings that broke builds, found without shellcheck, so that each \
              machine says the same: `cd` whose failure goes on (SC2164; `set -e` does not hold left of `&&`, \
              `||`), a glob or `$@` without quotes (SC2068), backticks (SC2006), a file that does not parse. \
              shellcheck itself may be run beside.",
        wrong: "do_install() { for f in $@; do cp `basename $f` $OUT; done; }",
        right: "do_install() { for f in \"$@\"; do cp \"$(basename \"$f\")\" \"$OUT\"; done; }",
    },
    Lint {
        id: "T23",
        name: "cd-or-network",
        severity: Error,
        mend: Mend::None,
        what: "a step that asks the network, or leaves the tree",
        why: "The sandbox has no network, so it fails there, and elsewhere it would fetch what no digest \
              holds. What a build needs is a source. `cd /…` leaves the tree that the step was given: `$OUT`, \
              `$WORK`, `$TREE` name what is outside.",
        wrong: "do_build() { curl -O https://example.org/x.tar.gz; }",
        right: "source = [{ url = \"https://example.org/x.tar.gz\", sha256 = \"…\" }]",
    },
    Lint {
        id: "T24",
        name: "reason-empty",
        severity: Error,
        mend: Mend::None,
        what: "something is silenced, left out, held or slowed without a reason",
        why: "`allow`, `without`, `hold`, a skipped upstream test, `jobs = 1`: the next author asks why, and \
              only this one knows. A reason is a sentence; that of `jobs = 1` stands in a comment above it or \
              behind it.",
        wrong: "jobs = 1",
        right: "# Its Makefile forgets that parser.c needs parser.h.\njobs = 1",
    },
    Lint {
        id: "T25",
        name: "opt-undocumented",
        severity: Warning,
        mend: Mend::None,
        what: "an option without a summary",
        why: "A role's author chooses by this line alone: `info` and the documents show it.",
        wrong: "jit = { flag = \"jit\" }",
        right: "jit = { summary = \"compile expressions to machine code\", flag = \"jit\" }",
    },
    Lint {
        id: "T26",
        name: "opt-no-effect",
        severity: Warning,
        mend: Mend::None,
        what: "an option that changes nothing",
        why: "Who turns it on believes that something happened. An option has at least one of `flag`, `args`, \
              `args_off`, `build_args`, `build`, `link`, `run`, `kconfig`, `features`, `patches`, `remove`; or \
              is a source's `when`, or another one's `needs`.",
        wrong: "http3 = { summary = \"HTTP/3\" }",
        right: "http3 = { summary = \"HTTP/3\", args = [\"--with-http_v3_module\"] }",
    },
    Lint {
        id: "T27",
        name: "bad-value",
        severity: Error,
        mend: Mend::Proposed,
        what: "a value of the wrong form, or that cannot be",
        why: "The schema says what may stand at each key: docs/recipes.md. The help says what was expected.",
        wrong: "version = 1.3",
        right: "version = \"1.3\"",
    },
    Lint {
        id: "T28",
        name: "key-missing",
        severity: Error,
        mend: Mend::Proposed,
        what: "a key that must be there and is not",
        why: "A recipe says at least what it is (`summary`, `license`), which (`version`, `source` with its \
              digest) and how (`preset`).",
        wrong: "summary = \"Lossless compression\"",
        right: "summary = \"Lossless compression\"\nlicense = \"Zlib\"",
    },
];
