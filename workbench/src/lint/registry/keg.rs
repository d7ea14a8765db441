//! The ring `keg`: what a build made and did.
//!
//! What cannot be is not looked for; its ids stay its own ([`NEVER`]).

use super::Severity::{Error, Info, Warning};
use super::{Lint, Mend};

/// Ids without a lint, and why.
pub const NEVER: &str = "\
Cannot be, so nobody looks: K11 setuid, K12 filecaps, K13 world-write. A keg is a tree of paths, bytes and one bit
(executable), and the sandbox refuses the calls that would set more. K25 kconfig-lost: the preset `kbuild` fails the build
itself.
";

pub const LINTS: &[Lint] = &[
    Lint {
        id: "K01",
        name: "dep-unused",
        severity: Warning,
        mend: Mend::Safe,
        what: "a dependency of `build` or `link` of which the build opened nothing",
        why: "It is built before, seen, and makes this keg build again when it changes, for nothing. The \
              sandbox hears what is opened, so a header that is only looked for does not count, and one \
              library among many does. Where another variant of the recipe uses it, or nobody heard the \
              build, nothing is said.",
        wrong: "link = [\"zlib\", \"expat\"]  # and nothing of expat was opened",
        right: "link = [\"zlib\"]",
    },
    Lint {
        id: "K02",
        name: "dep-missing",
        severity: Error,
        mend: Mend::Proposed,
        what: "a program or library needs a library that no keg with it has",
        why: "It would not start on any machine. The sandbox shows only kegs that are declared, so a build \
              cannot find others; the seed's own libraries are what it can find.",
        wrong: "link = []  # and bin/x needs libz.so.1",
        right: "link = [\"zlib[shared]\"]",
    },
    Lint {
        id: "K03",
        name: "automagic",
        severity: Warning,
        mend: Mend::Proposed,
        what: "headers of a keg were used that is there only because another links it",
        why: "Configure scripts take what they find. Here they find what is declared and what that links; the \
              day the other keg drops it, this one changes in silence. Headers that the other's own headers \
              include do not count.",
        wrong: "link = [\"curl\"]  # and zlib.h was found, as curl links zlib",
        right: "link = [\"curl\", \"zlib\"]",
    },
    Lint {
        id: "K04",
        name: "opt-ignored",
        severity: Warning,
        mend: Mend::Safe,
        what: "configure, cmake or meson does not know a switch of the recipe, and went on",
        why: "The author thinks that something is on or off, and it is not. Read from the build's log, in the \
              words of each tool.",
        wrong: "args = [\"--disable-exampels\"]",
        right: "args = [\"--disable-examples\"]",
    },
    Lint {
        id: "K05",
        name: "dlopen-undeclared",
        severity: Warning,
        mend: Mend::Proposed,
        what: "a program that calls dlopen names a library that `runtime` does not",
        why: "No ELF header shows it, so an image would not bring it. `.note.dlopen` is read anyway; this is \
              about programs without it.",
        wrong: "# bin/x opens libpam.so.0",
        right: "runtime = { dlopen = [\"libpam.so.0\"] }",
    },
    Lint {
        id: "K06",
        name: "build-path",
        severity: Error,
        mend: Mend::None,
        what: "a file names the builder's own folder",
        why: "`/build` is gone when the keg is used, so whatever is looked for there is not found; and it \
              keeps two builds from the same bytes. (That the host's name is in no file shows when `rootbrew \
              check` varies it: K24.)",
        wrong: "# lib/pkgconfig/x.pc: prefix=/build/out/kegs/x/0",
        right: "",
    },
    Lint {
        id: "K07",
        name: "rpath-out",
        severity: Error,
        mend: Mend::None,
        what: "a library is looked for outside of the kegs that are there",
        why: "Whoever can write there runs code in the program. Nothing mends it safely in a recipe: it is a \
              switch or a patch.",
        wrong: "# RUNPATH /usr/local/lib",
        right: "args = [\"--disable-rpath\"]",
    },
    Lint {
        id: "K08",
        name: "execstack",
        severity: Error,
        mend: Mend::None,
        what: "a program or library asks for a stack that can be executed",
        why: "One assembler file without a note is enough, and the whole process has it.",
        wrong: "",
        right: "",
    },
    Lint {
        id: "K09",
        name: "textrel",
        severity: Error,
        mend: Mend::None,
        what: "a program or library has its code rewritten when it is loaded",
        why: "Such pages are writable and executable for a moment, and shared by nobody.",
        wrong: "",
        right: "",
    },
    Lint {
        id: "K10",
        name: "hardening",
        severity: Error,
        mend: Mend::None,
        what: "a program is without what the toolchain's profile asks for",
        why: "The profile gives flags; a build that drops CFLAGS or LDFLAGS loses them in silence. Looked at \
              are position independence, RELRO and BIND_NOW, as these leave marks in the file. Bootstrap kegs \
              (`cc = \"seed\"`) and kernels are made by other flags.",
        wrong: "# the Makefile sets LDFLAGS itself",
        right: "without = { pie = \"its own loader stands at a fixed address\" }",
    },
    Lint {
        id: "K14",
        name: "empty-keg",
        severity: Error,
        mend: Mend::None,
        what: "a keg without a file",
        why: "The install step went elsewhere or did nothing.",
        wrong: "",
        right: "",
    },
    Lint {
        id: "K15",
        name: "duplicate-files",
        severity: Info,
        mend: Mend::None,
        what: "files of 16 KiB or more that are the same bytes",
        why: "The store keeps them once, and an image shares their whole blocks: it costs little, and tells of copies that nobody wanted.",
        wrong: "# bin/x and bin/x-1.0",
        right: "symlinks = { \"bin/x-1.0\" = \"x\" }",
    },
    Lint {
        id: "K16",
        name: "soname-changed",
        severity: Info,
        mend: Mend::None,
        what: "a library has another soname than in the build before",
        why: "All that links it is built again; who is said.",
        wrong: "",
        right: "",
    },
    Lint {
        id: "K17",
        name: "symbols-gone",
        severity: Warning,
        mend: Mend::None,
        what: "a library lost exported symbols under the same soname",
        why: "What was linked with it may not start. Compared with the keg's build before, when the store \
              still has it.",
        wrong: "",
        right: "",
    },
    Lint {
        id: "K18",
        name: "not-loadable",
        severity: Error,
        mend: Mend::None,
        what: "a program or library that does not load where nothing is but the keg and what it needs",
        why: "What `rootbrew test` found last of these bytes; it tries each ELF file of a keg.",
        wrong: "",
        right: "link = [\"zlib\"]",
    },
    Lint {
        id: "K19",
        name: "pc-broken",
        severity: Error,
        mend: Mend::None,
        what: "a `.pc` file that does not resolve, or by which nothing links",
        why: "What `rootbrew test` found last of these bytes; whoever links the keg meets it.",
        wrong: "",
        right: "remove = [\"lib/pkgconfig/x-embed.pc\"]",
    },
    Lint {
        id: "K20",
        name: "header-broken",
        severity: Error,
        mend: Mend::None,
        what: "a header that does not compile alone",
        why: "What `rootbrew test` found last of these bytes. Where upstream means it to come after another, `allow` it.",
        wrong: "",
        right: "allow = { K20 = \"x_inline.h comes after x.h\" }",
    },
    Lint {
        id: "K21",
        name: "shebang",
        severity: Error,
        mend: Mend::Proposed,
        what: "a script's interpreter is not there, or its first line is too long",
        why: "The kernel says `not found` of the script. `/bin/sh` is always meant well: images link it to \
              the shell that they have.",
        wrong: "# bin/x-config begins with #!/usr/bin/perl",
        right: "remove = [\"bin/x-config\"]",
    },
    Lint {
        id: "K22",
        name: "no-test",
        severity: Warning,
        mend: Mend::None,
        what: "programs or libraries, and no test",
        why: "Nobody notices when an update breaks it before somebody's machine does.",
        wrong: "",
        right: "test = { run = [\"x\", \"-c\"], stdin = \"abc\", stdout = \"cba\" }",
    },
    Lint {
        id: "K23",
        name: "version-only-test",
        severity: Warning,
        mend: Mend::None,
        what: "tests that only ask which version it is",
        why: "That it starts is tested anyway. A test shows that it does what it is for.",
        wrong: "test = { run = [\"x\", \"--version\"] }",
        right: "test = { run = [\"x\", \"-c\"], stdin = \"abc\", stdout = \"cba\" }",
    },
    Lint {
        id: "K24",
        name: "not-reproducible",
        severity: Error,
        mend: Mend::None,
        what: "the keg came out otherwise when it was last checked",
        why: "Then nobody can tell whether the bytes are what the recipe says. `rootbrew check` builds again \
              with host, user, processors, order and file system varied; what it found of this very action is \
              kept.",
        wrong: "",
        right: "",
    },
    Lint {
        id: "K26",
        name: "stripped",
        severity: Warning,
        mend: Mend::None,
        what: "a program lost its symbols before its debug information was split from it",
        why: "Debug information goes to the debug keg when a build has ended, and what ships is stripped when an image is \
              made. A build that strips by itself leaves nothing for either; and what was compiled into it can't be proven \
              any more (papers).",
        wrong: "# busybox's Makefile strips what it installs",
        right: "build_args = [\"SKIP_STRIP=y\"]",
    },
];
