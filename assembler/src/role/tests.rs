//! Bad roles beside what they are told.

use std::fs;

use expect_test::{Expect, expect};

use super::*;

const WEB: &str = include_str!("examples/web.toml");

/// A tap with `roles/t.toml` and the templates of the example.
fn tap(text: &[u8]) -> tempfile::TempDir {
    let tap = tempfile::tempdir().unwrap();
    fs::create_dir_all(tap.path().join("roles/t")).unwrap();
    for name in ["nginx.conf", "mime.types", "certificate.pem", "key.pem", "index.html"] {
        fs::write(tap.path().join("roles/t").join(name), b"user {{ user }}").unwrap();
    }
    fs::write(tap.path().join("roles/t.toml"), text).unwrap();
    tap
}

fn check(text: &str, expect: Expect) {
    let tap = tap(text.as_bytes());
    let told = match load(tap.path(), "t") {
        Ok(role) => format!("{:#?}", role.services),
        Err(faults) => faults.to_string(),
    };
    expect.assert_eq(&told);
}

/// A role that is right but for what `more` says.
fn check_more(more: &str, expect: Expect) {
    check(&format!("summary = \"s\"\nkegs = [\"nginx\"]\n{more}\n"), expect);
}

#[test]
fn the_web_role_parses_whole() {
    let tap = tap(WEB.as_bytes());
    let role = load(tap.path(), "t").unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(role.users(), ["web"]);
    assert_eq!(role.limits.most(limits::measure_of("root_disk")), Some(8_000_000));
    assert_eq!(role.limits.most(limits::measure_of("setuid")), Some(0));
    assert_eq!(role.limits.most(limits::measure_of("files")), None);
    assert_eq!(role.services["nginx"].ready, Ready::Tcp(443));
    assert_eq!(role.configs["/run/etc/nginx/key.pem"].mode, 0o400);
    assert_eq!(role.configs["/run/etc/nginx/nginx.conf"].template_text, "user {{ user }}");
    assert_eq!(role.env["tls_certificate"].kind, Kind::Text);
    assert_eq!(role.checks[1].ports, [443]);
    assert_eq!(role.programs()[0], ("nginx".to_string(), "service nginx".to_string()));
    assert_eq!(&*role.text.content, WEB);
}

/// The first column of the table below a heading of `docs/roles.md`, sorted.
fn documented(heading: &str) -> Vec<&'static str> {
    let page = include_str!("../../../docs/roles.md");
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).expect("a heading");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let mut keys: Vec<&str> = rows.filter_map(|row| Some(row.split_once('`')?.0)).collect();
    keys.sort();
    keys
}

/// `docs/roles.md` has every key of the reader, and no other.
#[test]
fn the_table_has_every_key_of_a_role() {
    let mut faults = Faults::default();
    let known = reader::parse(Path::new("x"), b"", &mut faults, |text, table| {
        drop(take("t", Path::new("t"), text, table));
        table.known().to_vec()
    });
    let mut known = known.unwrap_or_default();
    known.sort();
    assert_eq!(documented("Every key"), known);
}

/// The same of limits.
#[test]
fn the_table_has_every_limit() {
    let mut known: Vec<&str> = limits::MEASURES.iter().map(|measure| measure.key).collect();
    known.extend(["licenses", "ports"]);
    known.sort();
    assert_eq!(documented("Limits"), known);
}

#[test]
fn a_virtual_is_chosen_for_all_or_for_one() {
    let text = "summary = \"s\"\nkegs = [\"nginx\"]\nlinkage = \"shared\"\n[virtual]\na = \"one@3\"\nnginx = { a = \"two\" }\n";
    let tap = tap(text.as_bytes());
    let role = load(tap.path(), "t").unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(role.virtuals.all["a"].slot.as_deref(), Some("3"));
    assert_eq!(role.virtuals.of["nginx"]["a"].name, "two");
    check_more(
        "[virtual]\na = 3\nb = { c = [] }",
        expect![[r#"
            roles/t.toml:4:5: expected a table, found an integer
            roles/t.toml:5:11: expected a keg's name, found a list
        "#]],
    );
}

#[test]
fn trials_users_and_checks() {
    let env = "[env.a]\ntype = \"list\"\n[env.b]\ntype = \"text\"\n";
    let right = format!(
        "summary = \"s\"\nkegs = [\"sshd\"]\n[user.jump]\nshell = \"sh\"\n{env}[trial]\nrun = [[\"x\"]]\n\
         env = {{ a = \"f\" }}\n[[check]]\nrun = [\"c\", \"{{env:a}}\"]\nstatus = 255\nstderr = \"no\"\n"
    );
    let tap = tap(right.as_bytes());
    let role = load(tap.path(), "t").unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(role.users(), ["jump"]);
    assert_eq!(role.programs(), [("sh".to_string(), "shell of jump".to_string())]);
    assert_eq!(role.trial_values()["a"], ("f", Shape::Lines));
    assert_eq!((role.checks[0].status, role.checks[0].stderr.as_slice()), (255, &["no".to_string()][..]));
    check_more(
        &format!(
            "[user.jump]\nshell = \"/bin/sh\"\nhome = \"x\"\n{env}[trial]\nrun = [[]]\nenv = {{ aa = \"../x\" }}\n"
        ),
        expect![[r#"
            roles/t.toml:4:9: `/bin/sh` is no program's name; as "sh", without a folder
            roles/t.toml:5:8: `x` is no absolute path; it begins with `/`
            roles/t.toml:11:8: a command without a program; as ["nginx", "-t"]
            roles/t.toml:12:9: no `[env.aa]`; one of `a`, `b`
            roles/t.toml:12:9: `../x` is no file of the trial's folder; a name without `/`, of a file that `run` makes
        "#]],
    );
}

#[test]
fn an_empty_role_is_told_what_it_lacks() {
    check(
        "",
        expect![[r#"
        roles/t.toml:1:1: `summary` is missing; one line: what the machine is for
        roles/t.toml:1:1: `kegs` is missing; as `kegs = ["nginx"]`
    "#]],
    );
}

#[test]
fn unknown_keys_and_wrong_forms_come_at_once() {
    check(
        "sumary = 1\nkegs = \"nginx\"\nkernel = \"Linux\"\nlinkage = \"dynamic\"\nvirtuals = {}\n",
        expect![[r#"
            roles/t.toml:1:1: `summary` is missing; one line: what the machine is for
            roles/t.toml:1:1: unknown key `sumary` in a role; did you mean `summary`?
            roles/t.toml:2:8: expected a list, found a string
            roles/t.toml:3:10: `Linux` names no keg; as "nginx", or with a slot "openssl@3"; options stand in `[options.…]`
            roles/t.toml:4:11: `dynamic` is no linkage; one of `static`, `shared`
            roles/t.toml:5:1: unknown key `virtuals` in a role; did you mean `virtual`?
        "#]],
    );
}

#[test]
fn kegs_are_names() {
    check(
        "summary = \"s\"\nkegs = [\"nginx\", \"openssl@3\", \"nginx\", \"zlib >= 1\"]",
        expect![[r#"
            roles/t.toml:2:31: `nginx` stands here twice; leave one out
            roles/t.toml:2:40: `zlib >= 1` names no keg; as "nginx", or with a slot "openssl@3"; options stand in `[options.…]`
        "#]],
    );
}

#[test]
fn services() {
    check_more(
        "[service.a]\nrun = []\nuser = \"Web\"\ncaps = [\"CAP_NET_BIND_SERVICE\", \"net_bind\"]\nwrites = [\"data\", \"/a/../b\"]\n\
         ready = { tcp = 70000 }\nreload = \"SIGHUP\"\nafter = [\"b\", \"c\"]\nrestart = \"on\"\n\
         [service.b]\nrun = [\"b\"]\nuser = \"b\"\nready = \"notfy\"\nafter = \"a\"\n\
         [service.d]\nrun = \"d -x\"\nready = { tcp = 1, exec = [\"x\"] }",
        expect![[r#"
            roles/t.toml:4:7: a command without a program; as ["nginx", "-t"]
            roles/t.toml:5:8: `Web` is no user's name; lower-case letters, digits, `_` and `-`; a letter first
            roles/t.toml:6:9: unknown capability `CAP_NET_BIND_SERVICE`; did you mean `net_bind_service`?
            roles/t.toml:6:33: unknown capability `net_bind`; as capabilities(7) names them, without `CAP_`, lower case
            roles/t.toml:7:11: `data` is no absolute path; it begins with `/`
            roles/t.toml:7:19: `/a/../b` is no absolute path; a path may not hold `..`
            roles/t.toml:8:17: 70000 is out of range; from 0 to 65535
            roles/t.toml:9:10: `SIGHUP` is no signal; one of `HUP`, `INT`, `QUIT`, `TERM`, `USR1`, `USR2`, `WINCH`, `KILL`
            roles/t.toml:10:10: `a` and `b` wait for one another; take one of the two out of `after`
            roles/t.toml:10:15: no service `c`; one of `a`, `b`, `d`
            roles/t.toml:11:11: `on` is no restart; one of `always`, `failure`, `never`
            roles/t.toml:15:9: `notfy` is no readiness; did you mean `notify`?
            roles/t.toml:16:9: `b` and `a` wait for one another; take one of the two out of `after`
            roles/t.toml:17:1: `user` is missing; who it runs as, as `user = "web"`
            roles/t.toml:18:7: expected a list of arguments, found a string
            roles/t.toml:19:9: readiness is one thing; one of `tcp`, `unix`, `exec`
        "#]],
    );
}

#[test]
fn what_a_service_may_and_when_it_runs() {
    check_more(
        "[service.a]\nrun = [\"a\"]\nuser = \"a\"\ntimer = \"daly 3\"\nonce = true\nlisten = [80, \"udp:x\"]\nseccomp = [\"ptrac\"]\n\
         network = \"nothing\"\nshares = [\"pid\"]\nmemory = \"64\"\nreads = [\"etc\"]\nreload = []\nready = \"fd\"\nwatchdog_s = 0\n\
         [service.b]\nrun = [\"b\"]\nuser = \"b\"\nnetwork = \"none\"\nready = { tcp = 80 }\n\
         [service.c]\nrun = [\"c\"]\nuser = \"c\"\nonce = true\ntimer = \"daily\"\nseccomp = \"off\"\n\
         [service.d]\nrun = [\"d\"]\nuser = \"d\"\ntimer = \"Mon..Fri 03:00\"\nlisten = [80, \"/run/x.sock\"]\nseccomp = [\"ptrace\"]\n\
         shares = [\"tmp\"]\nmemory = \"64 MB\"\ntasks = 9\ncpu = 50\nreload = [\"d\", \"-r\"]\nconsole = false\nlog = 4096",
        expect![[r#"
            roles/t.toml:6:9: `daly` is no weekday; as Mon; docs/hosts.md has its forms
            roles/t.toml:8:15: `udp:x` is no place to listen; as 80, "udp:53", "/run/x.sock"; docs/hosts.md has its forms
            roles/t.toml:9:12: `ptrac` is no call that is denied; did you mean `ptrace`?
            roles/t.toml:10:11: `nothing` is no network; one of `machine`, `none`
            roles/t.toml:11:11: `pid` is no share; did you mean `pids`?
            roles/t.toml:12:10: `64` is no size; as "512 KiB", "3.3 MB", "2 GiB"
            roles/t.toml:13:10: `etc` is no absolute path; it begins with `/`
            roles/t.toml:14:10: a command without a program; as ["nginx", "-t"]
            roles/t.toml:15:1: `once` and `ready` are two; what runs once is ready when it has exited with 0
            roles/t.toml:16:1: a watchdog of 0 s; leave it out for none
            roles/t.toml:20:1: `network = "none"`, and `ready` asks a port; nobody reaches it there; as `ready = "notify"`, or by a socket: `{ unix = "/run/x.sock" }`
            roles/t.toml:25:1: `once` and `timer` are two; with `timer` it runs at its times; leave `once` out
            roles/t.toml:27:11: `off` is no filter; one of `none`
        "#]],
    );
}

#[test]
fn configs() {
    check_more(
        "[config.\"etc/x\"]\ntemplate = \"nginx.con\"\nmode = \"999\"\n[config.\"/x\"]\ntemplate = \"../x\"\nmode = 644\nowner = \"web\"\n\
         [config.\"/y\"]\ntemplat = \"x\"",
        expect![[r#"
            roles/t.toml:3:9: `etc/x` is no absolute path; it begins with `/`
            roles/t.toml:4:12: cannot read the template `nginx.con`: No such file or directory (os error 2); did you mean `nginx.conf`?
            roles/t.toml:5:8: `999` is no mode; octal, "0000" to "0777"
            roles/t.toml:7:12: `../x` is no template's name; a file in the role's own folder, without `/`
            roles/t.toml:8:8: expected a mode as "0640", found an integer
            roles/t.toml:9:9: no service runs as `web`; one of `root`
            roles/t.toml:10:1: `template` is missing; a file in the role's folder, as `template = "nginx.conf"`
            roles/t.toml:11:1: unknown key `templat` in a config; did you mean `template`?
        "#]],
    );
}

#[test]
fn variables() {
    check_more(
        "[env]\nsite = { type = \"string\", default = \"{hos}\" }\nn = { type = \"integer\", default = 9, range = [1, 4] }\n\
         key = { type = \"text\", secret = true, default = \"x\", required = true }\nok = { default = true }\n\
         b = { type = \"bool\" }\nr = { type = \"string\", range = [2, 1], pattern = \"^x$\" }\nBAD-NAME = { type = \"list\", default = [1] }",
        expect![[r#"
            roles/t.toml:4:27: a default that the variable cannot have; unknown word `{hos}`; did you mean `host`?
            roles/t.toml:5:25: a default that the variable cannot have; from 1 to 4
            roles/t.toml:6:39: a secret with a default; images are public: a secret is given, never built in
            roles/t.toml:6:54: required, and has a default; what has a default need not be given: drop one of the two
            roles/t.toml:7:6: `type` is missing; one of `string`, `text`, `integer`, `boolean`, `list`
            roles/t.toml:8:14: `bool` is no type; one of `string`, `text`, `integer`, `boolean`, `list`
            roles/t.toml:9:24: a range is its lowest and its highest; as `range = [1, 64]`
            roles/t.toml:10:1: `BAD-NAME` is no name of a variable; lower-case letters, digits and `_`: templates use it as it is
            roles/t.toml:10:40: expected a string, found an integer
        "#]],
    );
}

#[test]
fn what_lasts_and_the_kernels_knobs() {
    let text = "summary = \"s\"\nkegs = [\"db\"]\nkernel = \"linux\"\nenvironment_key = \"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\"\n\
                [sysctl]\n\"net.core.somaxconn\" = 4096\n[data]\npaths = [\"/data/db\"]\nlost = \"stop\"\n\
                [service.db]\nrun = [\"db\"]\nuser = \"db\"\nwrites = [\"/data/db/x\", \"/run/db\"]\n";
    let tap = tap(text.as_bytes());
    let role = load(tap.path(), "t").unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(role.options["linux"]["data"].value, Scalar::Bool(true));
    assert_eq!(role.kegs.iter().map(|keg| keg.name.as_str()).collect::<Vec<_>>(), ["db", "e2fsprogs"]);
    assert_eq!(role.programs()[2], ("e2fsck".to_string(), "the data partition".to_string()));
    check_more(
        "environment_key = \"BwcH\"\n[sysctl]\nnet = 1\n\"net.core.x\" = true\n\"../x.y\" = 1\n[data]\npaths = [\"/var\", \"/data/db\"]\n\
         lost = \"never\"\n[service.db]\nrun = [\"db\"]\nuser = \"db\"\nwrites = [\"/data/dbx\"]",
        expect![[r#"
            roles/t.toml:3:19: no ed25519 public key; 32 bytes in base64 (hosts.md, "Signed")
            roles/t.toml:5:1: `net` is no knob of the kernel; as "net.core.somaxconn", in quotes
            roles/t.toml:6:1: no value of a knob; an integer, or a text of one line
            roles/t.toml:7:1: `../x.y` is no knob of the kernel; as "net.core.somaxconn", in quotes
            roles/t.toml:9:10: `/var` is not below `/data`; the data partition is there, and nowhere else
            roles/t.toml:10:8: `never` is no way to go on; one of `memory`, `fresh`, `stop`
            roles/t.toml:11:10: `db` writes `/data/dbx`, which is in none of `data.paths`; name it there, or let it write to `/run`
        "#]],
    );
}

#[test]
fn limits_checks_and_the_rest() {
    check_more(
        "runtime = [\"openssl\"]\nfiles = [\"kegs/x\"]\nprefer = { \"/bin/sh\" = \"busybox\" }\n\
         [limits]\nroot_disk = \"8 MBit\"\nsetuid = -1\nports = [99999]\nram = 1\n\
         [[check]]\nrun = [\"curl\", \"{hots}:{port:http}\"]\n[[check]]\nrum = []",
        expect![[r#"
            roles/t.toml:3:12: `openssl` names no set; as "openssl/legacy"
            roles/t.toml:4:10: `kegs/x` is no absolute path; it begins with `/`
            roles/t.toml:5:12: `/bin/sh` is no path in the image; write it without `.`, `//` and a trailing `/`
            roles/t.toml:7:13: `8 MBit` is no size; as "512 KiB", "3.3 MB", "2 GiB"
            roles/t.toml:8:10: -1 is out of range; from 0 to 9223372036854775807
            roles/t.toml:9:10: 99999 is out of range; from 0 to 65535
            roles/t.toml:10:1: unknown key `ram` in `limits`; one of `root_disk`, `root_wire`, `kernel`, `files`, `executables`, `libraries`, `shells`, `interpreters`, `setuid`, `writable`, `ram_idle`, `boot_ms`, `ports`, `licenses`
            roles/t.toml:12:7: unknown word `{hots}`; `{host}`, a port of the machine as `{port:443}`, or a name of its environment as `{env:password}`
            roles/t.toml:12:7: unknown word `{port:http}`; `{host}`, a port of the machine as `{port:443}`, or a name of its environment as `{env:password}`
            roles/t.toml:13:1: `run` is missing; as `run = ["curl", "-fsS", "http://{host}:{port:80}/"]`
            roles/t.toml:14:1: unknown key `rum` in a check; did you mean `run`?
        "#]],
    );
}

#[test]
fn an_unknown_role_has_a_nearest() {
    let tap = tap(WEB.as_bytes());
    expect![[r#"
        roles:1:1: no role `tt`; one of `t`
    "#]]
    .assert_eq(&load(tap.path(), "tt").unwrap_err().to_string());
}

#[test]
fn no_bytes_make_it_panic() {
    let folder = tempfile::tempdir().unwrap();
    kegs::reader::mutate::each(WEB.as_bytes(), 3_000, |bytes| {
        let mut faults = Faults::default();
        let role = Role::parse("t", folder.path(), Path::new("t.toml"), bytes, &mut faults);
        assert_eq!(role.is_none(), !faults.0.is_empty());
        // Drawing a fault reads its place.
        assert_eq!(faults.to_string().is_empty(), faults.0.is_empty());
    });
}
