//! The command line: what may be written, with an example under every `--help`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Builds whole machines from source: recipes to kegs, kegs to a role's bootable image.
#[derive(Debug, Parser)]
#[command(name = "rootbrew", version, propagate_version = true, max_term_width = 110)]
#[command(after_help = "Example: rootbrew build web && rootbrew boot web --check")]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
pub struct Global {
    /// The store's folder [default: rootbrew/store in the user's cache folder]
    #[arg(long, global = true, value_name = "DIR", env = "ROOTBREW_STORE")]
    pub store: Option<PathBuf>,
    /// The tap: a folder with recipes/ and roles/ [default: the nearest one upwards]
    #[arg(long, global = true, value_name = "DIR", env = "ROOTBREW_TAP")]
    pub tap: Option<PathBuf>,
    #[command(flatten)]
    pub cache: crate::work::cache::Written,
    /// Job slots for the whole build [default: the processors]
    #[arg(long, short, global = true, value_name = "N")]
    pub jobs: Option<usize>,
    /// Events and results as JSON, one object a line
    #[arg(long, global = true)]
    pub json: bool,
    /// Ask no network: only the store and --sources
    #[arg(long, global = true)]
    pub offline: bool,
    /// A folder with source archives, asked before any URL; may be given more than once
    #[arg(long, global = true, value_name = "DIR")]
    pub sources: Vec<PathBuf>,
    /// Another place for URLs: PREFIX=REPLACEMENT; may be given more than once
    #[arg(long, global = true, value_name = "PREFIX=URL")]
    pub mirror: Vec<String>,
    /// Whose compiler: a file of toolchains/
    #[arg(long, global = true, value_name = "NAME", default_value = "seed")]
    pub toolchain: String,
    /// What one build may use: wall=SECONDS, memory=, output=BYTES (K, M, G), processes=N; may be given more than once
    #[arg(long, global = true, value_name = "NAME=VALUE")]
    pub limit: Vec<String>,
    /// Write a timeline of the build: a picture where FILE ends in .svg, else in Chrome's trace format
    #[arg(long, global = true, value_name = "FILE")]
    pub trace: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check recipes and roles: every finding of every file at once, each at its character
    #[command(
        after_help = "Examples: rootbrew lint nginx web\n          rootbrew lint --fix\n          rootbrew lint --explain T12"
    )]
    Lint(crate::commands::lint::Wish),
    /// Write recipes and roles in their canonical form
    #[command(after_help = "Examples: rootbrew fmt\n          rootbrew fmt --check nginx")]
    Fmt {
        /// Recipes and roles [default: all]
        names: Vec<String>,
        /// Change nothing; fail when something would change
        #[arg(long)]
        check: bool,
    },
    /// Bring sources into the store
    #[command(after_help = "Example: rootbrew fetch web")]
    Fetch { names: Vec<String> },
    /// Show what a build would do, and why, without starting anything
    #[command(after_help = "Example: rootbrew plan web")]
    Plan { names: Vec<String> },
    /// Build recipes or roles
    #[command(after_help = "Examples: rootbrew build web\n          rootbrew build zlib openssl@3.0")]
    Build {
        /// Recipes and roles [default: every role]
        names: Vec<String>,
        /// Every recipe, each of its slots, in one plan
        #[arg(long, conflicts_with = "names")]
        all: bool,
        /// One recipe, from a working tree in place of its archive: only what changed is made anew, and the keg is laid
        /// out at the path that is printed
        #[arg(long, value_name = "DIR", conflicts_with = "all")]
        from: Option<PathBuf>,
    },
    /// Build again with everything varied that may vary, and compare: is it reproducible?
    #[command(after_help = "Example: rootbrew check zlib")]
    Check { names: Vec<String> },
    /// Prove kegs, each in its runtime closure alone: its recipe's tests, and those that nobody writes
    #[command(after_help = "Examples: rootbrew test zlib\n          rootbrew test --smoke")]
    Test {
        /// Recipes [default: all]
        names: Vec<String>,
        /// Ask each program of bin/ for its version: it may refuse, and may not crash
        #[arg(long)]
        smoke: bool,
        /// Run upstream's own suite
        #[arg(long)]
        upstream: bool,
        /// All of it: --smoke and --upstream
        #[arg(long)]
        all: bool,
    },
    /// Open a shell in a keg's sandbox: as its failed build left it, else before the first step; or just before a step
    #[command(
        after_help = "Examples: rootbrew shell nginx\n          rootbrew shell nginx --at build --with strace,gdb\n          \
                      rootbrew shell nginx --at build -- make -n"
    )]
    Shell {
        name: String,
        /// Run the steps before this one, then open the shell in its folder
        #[arg(long, value_name = "STEP")]
        at: Option<At>,
        /// Kegs besides, or programs of the seed
        #[arg(long, value_name = "NAME", value_delimiter = ',')]
        with: Vec<String>,
        /// A command in place of the shell; its exit status is ours, as 0 or 1
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Show the log of a keg's last build
    #[command(after_help = "Example: rootbrew log nginx")]
    Log { name: String },
    /// Why a file is in an image: the chain from the role down
    #[command(
        after_help = "Examples: rootbrew why web /kegs/nginx/0/bin/nginx\n          rootbrew why out/ /sbin/init"
    )]
    Why {
        /// A role, an image file or its folder (`out/`), with its text twin beside
        image: String,
        path: String,
    },
    /// Where the bytes of an image go
    #[command(
        after_help = "Examples: rootbrew size web\n          rootbrew size web --svg web.svg\n          rootbrew size root.erofs --html root.html"
    )]
    Size {
        /// A role, an image file or its folder (`out/`)
        image: String,
        /// Draw it as a picture; `-` is standard output
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
        /// Draw it as a page where hovering says path and bytes, and a click goes in
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// List the paths of an image, or those below one: mode, owner, bytes, path
    #[command(after_help = "Examples: rootbrew ls web\n          rootbrew ls out/root.erofs /etc --json")]
    Ls {
        /// A role, an image file or its folder (`out/`)
        image: String,
        #[arg(default_value = "/")]
        path: String,
    },
    /// Print a file of an image; links are followed inside it
    #[command(after_help = "Example: rootbrew cat web /etc/passwd")]
    Cat {
        /// A role, an image file or its folder (`out/`)
        image: String,
        path: String,
    },
    /// Print an image's text twin: a line a path, made to be diffed
    #[command(after_help = "Example: rootbrew text out/root.erofs")]
    Text {
        /// A role, an image file or its folder (`out/`)
        image: String,
    },
    /// Compare two images file by file, or a role with itself at a commit
    #[command(
        after_help = "Examples: rootbrew diff web --base main\n          rootbrew diff web cache\n          rootbrew diff old.erofs out/"
    )]
    Diff {
        /// A role, an image file or its folder (`out/`): the older one, but with --base
        #[arg(value_name = "IMAGE")]
        old: String,
        #[arg(value_name = "IMAGE", conflicts_with = "base", required_unless_present = "base")]
        new: Option<String>,
        /// The role as the tap at this commit makes it: an id, a branch, a tag
        #[arg(long, value_name = "REV")]
        base: Option<String>,
    },
    /// Compose a role's image
    #[command(
        after_help = "Examples: rootbrew image web --to out/\n          rootbrew image web --text\n          \
                      rootbrew image web --observe\n          \
                      rootbrew image web --as squashfs --as ext4 -o out/\n          \
                      rootbrew image web --as oci-archive -o web.tar && docker load -i web.tar"
    )]
    Image {
        role: String,
        /// Copy root.erofs, vmlinuz and tree.txt to this folder
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        /// Print the image's text twin
        #[arg(long)]
        text: bool,
        /// Boot an image that tells what its services open, run the role's checks, and list the files that nobody opened and
        /// the paths that were asked for in vain
        #[arg(long, conflicts_with_all = ["to", "text"])]
        observe: bool,
        #[command(flatten)]
        other: crate::commands::image_as::Other,
    },
    /// What is in a role's image: every part with its licence, source and files, as SPDX or CycloneDX
    #[command(
        after_help = "Examples: rootbrew sbom web -o web.spdx.json\n          rootbrew sbom web --format cyclonedx -o web.cdx.json"
    )]
    Sbom(crate::commands::sbom::Wish),
    /// The licences of all that is in a role's image, with their texts
    #[command(
        after_help = "Examples: rootbrew licenses web -o NOTICE\n          rootbrew licenses web -o licenses/"
    )]
    Licenses(crate::commands::licenses::Wish),
    /// Known vulnerabilities of what is in a role's image, by an export of OSV records given as a file
    #[command(
        after_help = "Examples: rootbrew cve web --db all.zip --fail-on high\n          rootbrew cve web --db records/ --all --json"
    )]
    Cve(crate::commands::cve::Wish),
    /// Boot a role in QEMU
    #[command(
        after_help = "Examples: rootbrew boot web --check\n          rootbrew boot web --console\n          \
                            rootbrew boot web --chaos 50 --seed 7\n          \
                            rootbrew boot web --check --from https://images.example@stable --root 3f1c…"
    )]
    Boot(crate::commands::boot::Wish),
    /// Ask or tell a guest that `rootbrew boot` left running
    #[command(after_help = "Examples: rootbrew ctl web status\n          rootbrew ctl web env put web1.toml")]
    Ctl(crate::commands::ctl::Wish),
    /// Try a host's environment on the desk
    #[command(subcommand, after_help = "Example: rootbrew env check web web1.toml")]
    Env(crate::commands::env::Env),
    /// Make the debug volume of a role's image: a shell, strace, gdb, and debug information of exactly its programs
    #[command(
        after_help = "Example: rootbrew debug web curl; rootbrew boot web --debug; rootbrew ctl web shell"
    )]
    Debug(crate::commands::debug::Wish),
    /// Serve debug information by build-id, as gdb and elfutils ask for it (debuginfod's protocol)
    #[command(
        after_help = "Example: rootbrew debuginfod & DEBUGINFOD_URLS=http://127.0.0.1:8002 gdb nginx core"
    )]
    Debuginfod {
        /// Address and port; port 0 takes a free one
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8002")]
        listen: String,
    },
    /// What a change changes, and all that proves it
    #[command(subcommand, after_help = "Example: rootbrew ci run --base origin/main --out report/")]
    Ci(crate::commands::ci::Ci),
    /// Publish images: lines that hosts follow, in a folder of static files that any web server serves
    #[command(subcommand, after_help = "Example: rootbrew channel publish public/ --line edge --keys keys/")]
    Channel(crate::commands::channel::Channel),
    /// Take a line's newest image of a role from a channel, checked against a kept root of trust
    #[command(
        after_help = "Examples: rootbrew pull stable web --from https://images.example --root 3f1c…\n          \
                      rootbrew pull edge web --from public/ --to out/ --all"
    )]
    Pull(crate::commands::pull::Wish),
    /// Look after the store
    #[command(subcommand, after_help = "Example: rootbrew store du")]
    Store(Store),
    /// Look after the seed
    #[command(subcommand, after_help = "Example: rootbrew seed show")]
    Seed(Seed),
    /// List recipes and roles
    #[command(after_help = "Example: rootbrew list --json")]
    List,
    /// Show what is known of a recipe or a role
    #[command(after_help = "Example: rootbrew info openssl")]
    Info { name: String },
    /// What a recipe or a role needs, near and far
    #[command(
        after_help = "Examples: rootbrew deps --tree nginx\n          rootbrew deps --reverse zlib\n          rootbrew deps --svg needs.svg"
    )]
    Deps {
        /// Recipes and roles [default: all]
        names: Vec<String>,
        /// Draw it as a tree
        #[arg(long)]
        tree: bool,
        /// Who needs it, in place of what it needs
        #[arg(long)]
        reverse: bool,
        /// With the compiler and the presets' own tools, which no recipe writes
        #[arg(long)]
        tools: bool,
        /// Write a picture; `-` is standard output
        #[arg(long, value_name = "FILE", conflicts_with = "tree")]
        svg: Option<PathBuf>,
    },
    /// Why one needs the other: the shortest chain, and where each link of it is written
    #[command(after_help = "Example: rootbrew why-depends web perl")]
    WhyDepends { from: String, to: String },
    /// Find recipes and roles by a word of their name, summary, options or virtuals
    #[command(after_help = "Example: rootbrew search compression")]
    Search {
        #[arg(required = true)]
        words: Vec<String>,
    },
    /// Bring recipes to the newest version of their series: a branch with one commit a recipe
    #[command(
        after_help = "Examples: rootbrew bump --dry-run\n          rootbrew bump zlib --build\n          rootbrew bump openssl@3.0 --to 3.0.22 --branch openssl"
    )]
    Bump {
        /// Recipes, or slots as openssl@3.0 [default: all]
        names: Vec<String>,
        /// To this version, of one recipe, whatever its series or a hold says
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        /// Also to what upstream calls alpha, beta or a release candidate
        #[arg(long, conflicts_with = "to")]
        pre: bool,
        /// The branch's name [default: bump/ and the recipes]
        #[arg(long, value_name = "NAME")]
        branch: Option<String>,
        /// Say what is newer; fetch it and try the patches, but change nothing of the tap
        #[arg(long)]
        dry_run: bool,
        /// Build what is newer before anything is committed
        #[arg(long, conflicts_with = "dry_run")]
        build: bool,
    },
    /// Write a first recipe out of a source archive: fetch it, look inside, say what is unsure
    #[command(
        after_help = "Examples: rootbrew new jansson https://github.com/akheron/jansson/releases/download/v2.14/jansson-2.14.tar.gz\n          rootbrew new lz4 debian=lz4=1.10.0-10/sid"
    )]
    New {
        /// The recipe's name: a new folder of recipes/
        name: String,
        /// A URL, or debian=NAME=VERSION[/SUITE] as apt names a source
        #[arg(value_name = "URL|debian=NAME=VERSION")]
        place: String,
    },
    /// Print completions for a shell
    #[command(after_help = "Example: rootbrew completions bash >/etc/bash_completion.d/rootbrew")]
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Subcommand)]
pub enum Store {
    /// Hash everything again; name what is damaged, its keg and its action
    #[command(after_help = "Example: rootbrew store verify --repair")]
    Verify {
        /// Remove what is damaged and build just that again
        #[arg(long)]
        repair: bool,
    },
    /// Show what no root needs
    #[command(after_help = "Example: rootbrew store gc --yes")]
    Gc {
        /// Remove it
        #[arg(long)]
        yes: bool,
    },
    /// Show what takes how much, and which roots keep what
    #[command(after_help = "Example: rootbrew store du")]
    Du,
}

#[derive(Debug, Subcommand)]
pub enum Seed {
    /// What the seed is: its files, bytes and digest
    #[command(after_help = "Example: rootbrew seed show")]
    Show {
        /// A file of seeds/ [default: the toolchain's]
        name: Option<String>,
    },
    /// Fetch and unpack the seed
    #[command(after_help = "Example: rootbrew seed unpack")]
    Unpack {
        /// A file of seeds/ [default: the toolchain's]
        name: Option<String>,
    },
    /// Pin the seed anew: the newest versions of what it asks for
    #[command(after_help = "Example: rootbrew seed refresh")]
    Refresh {
        /// A file of seeds/ [default: the toolchain's]
        name: Option<String>,
    },
}

/// A step of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum At {
    Unpack,
    Patch,
    Configure,
    Build,
    Install,
}
