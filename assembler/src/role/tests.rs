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
    assert_eq!(role.limits.root_disk_bytes, Some(8_000_000));
    assert_eq!(role.limits.root_wire_bytes, Some(3_300_000));
    assert_eq!(role.services["nginx"].ready, Ready::Tcp(443));
    assert_eq!(role.configs["/run/etc/nginx/key.pem"].mode, 0o400);
    assert_eq!(role.configs["/run/etc/nginx/nginx.conf"].template_text, "user {{ user }}");
    assert_eq!(role.env["tls_certificate"].kind, Kind::Text);
    assert_eq!(role.checks[1].ports, [443]);
    assert_eq!(role.programs()[0], ("nginx".to_string(), "service nginx".to_string()));
    assert_eq!(&*role.text.content, WEB);
}

#[test]
fn an_empty_role_is_told_what_it_lacks() {
    check("", expect![[]]);
}

#[test]
fn unknown_keys_and_wrong_forms_come_at_once() {
    check(
        "sumary = 1\nkegs = \"nginx\"\nkernel = \"Linux\"\nlinkage = \"dynamic\"\nvirtuals = {}\n",
        expect![[]],
    );
}

#[test]
fn kegs_are_names() {
    check("summary = \"s\"\nkegs = [\"nginx\", \"openssl@3\", \"nginx\", \"zlib >= 1\"]", expect![[]]);
}

#[test]
fn services() {
    check_more(
        "[service.a]\nrun = []\nuser = \"Web\"\ncaps = [\"CAP_NET_BIND_SERVICE\", \"net_bind\"]\nwrites = [\"data\", \"/a/../b\"]\n\
         ready = { tcp = 70000 }\nreload = \"SIGHUP\"\nafter = [\"b\", \"c\"]\nrestart = \"on\"\n\
         [service.b]\nrun = [\"b\"]\nuser = \"b\"\nready = \"notfy\"\nafter = \"a\"\n\
         [service.d]\nrun = \"d -x\"\nready = { tcp = 1, exec = [\"x\"] }",
        expect![[]],
    );
}

#[test]
fn configs() {
    check_more(
        "[config.\"etc/x\"]\ntemplate = \"nginx.con\"\nmode = \"999\"\n[config.\"/x\"]\ntemplate = \"../x\"\nmode = 644\nowner = \"web\"\n\
         [config.\"/y\"]\ntemplat = \"x\"",
        expect![[]],
    );
}

#[test]
fn variables() {
    check_more(
        "[env]\nsite = { type = \"string\", default = \"{hos}\" }\nn = { type = \"integer\", default = 9, range = [1, 4] }\n\
         key = { type = \"text\", secret = true, default = \"x\", required = true }\nok = { default = true }\n\
         b = { type = \"bool\" }\nr = { type = \"string\", range = [2, 1], pattern = \"^x$\" }\nBAD-NAME = { type = \"list\", default = [1] }",
        expect![[]],
    );
}

#[test]
fn limits_checks_and_the_rest() {
    check_more(
        "runtime = [\"openssl\"]\nfiles = [\"kegs/x\"]\nprefer = { \"/bin/sh\" = \"busybox\" }\n\
         [limits]\nroot_disk = \"8 MBit\"\nsetuid = -1\nports = [99999]\nram = 1\n\
         [[check]]\nrun = [\"curl\", \"{hots}:{port:http}\"]\n[[check]]\nrum = []",
        expect![[]],
    );
}

#[test]
fn an_unknown_role_has_a_nearest() {
    let tap = tap(WEB.as_bytes());
    expect![[]].assert_eq(&load(tap.path(), "tt").unwrap_err().to_string());
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
