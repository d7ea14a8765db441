//! Containers of written roles; that engines take them is judged by the built program's tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};
use kegs::{Digest, Faults};

use super::*;
use crate::role::Role;
use crate::support::Place;
use crate::tree::{ImageTree, Node, Reason};

const WEB: &str = r#"
summary = "a site"
kegs = ["nginx"]
kernel = "linux"

[service.nginx]
run = ["nginx", "-c", "/run/etc/nginx.conf"]
ready = { tcp = 443 }
stop = "QUIT"
user = "web"
writes = ["/data/www"]

[config."/run/etc/nginx.conf"]
template = "nginx.conf"
owner = "web"
mode = "0400"

[config."/run/etc/key.pem"]
template = "key.pem"

[env.site]
type = "string"
default = "{role}{number}.{stage}.example"

[env.names]
type = "list"
default = ["a", "{host}"]

[env.more]
type = "text"

[env.key]
type = "text"
required = true
secret = true

[limits]
ports = [80, 443]
"#;

fn role(place: &Place, name: &str, text: &str) -> Role {
    let folder = place.path(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("nginx.conf"), "{{ site }} {{ names|join(' ') }}{% if more %} more{% endif %}\n")
        .unwrap();
    fs::write(folder.join("key.pem"), "{{ key }}\n").unwrap();
    let mut faults = Faults::default();
    let role = Role::parse(name, &folder, Path::new("roles/t.toml"), text.as_bytes(), &mut faults);
    role.unwrap_or_else(|| panic!("{faults:?}"))
}

/// As `compose` makes it: a keg's program with a link to it, another keg, PID 1 and what it reads.
fn tree(place: &Place) -> ImageTree {
    let because = || Reason::image("a test");
    let mut tree = ImageTree::default();
    let mut put = |path: &str, node: Node| tree.insert(path, node).unwrap();
    put("bin/nginx", Node::link("/kegs/nginx/0/bin/nginx", because()));
    put("kegs/nginx/0/bin/nginx", Node::stored(place.store(&vec![7; 9000]), 0o755, because()));
    put("kegs/zlib/0/lib/libz.so.1.3", Node::stored(place.store(b"libz"), 0o755, because()));
    put("kegs/zlib/0/lib/libz.so.1", Node::link("libz.so.1.3", because()));
    put("sbin/init", Node::inline("agent", 0o755, because()));
    put("etc/rootbrew/role.toml", Node::inline(WEB, 0o644, because()));
    put("etc/resolv.conf", Node::link("/run/etc/resolv.conf", because()));
    put("etc/passwd", Node::inline("root:x:0:0::/:\n", 0o644, because()));
    for folder in ["data", "run", "tmp", "proc"] {
        put(folder, Node::folder(0o755, because()));
    }
    tree
}

#[test]
fn a_role_with_one_service_is_its_container() {
    let place = Place::new();
    let (container, inside, rendered) =
        container(&role(&place, "web", WEB), None, "1.26", &tree(&place)).unwrap();
    expect![[r#"
        Container {
            role: "web",
            service: "nginx",
            user: "30907:30907",
            entrypoint: [
                "/bin/nginx",
                "-c",
                "/run/etc/nginx.conf",
            ],
            environment: [
                "PATH=/bin",
            ],
            ports: [
                "80/tcp",
                "443/tcp",
            ],
            labels: {
                "org.opencontainers.image.description": "a site",
                "org.opencontainers.image.title": "web",
                "org.opencontainers.image.version": "1.26",
                "org.rootbrew.mounts": "/run/etc/key.pem",
                "org.rootbrew.service": "nginx",
            },
            stop_signal: "SIGQUIT",
        }
    "#]]
    .assert_debug_eq(&container);
    let mounts = vec![Mount { path: "/run/etc/key.pem".into(), names: vec!["key".into()] }];
    assert_eq!(rendered.mounts, mounts);
    let lines: Vec<String> =
        inside.iter().map(|(path, node)| format!("{:04o} {} {path}\n", node.mode, node.uid)).collect();
    expect![[r#"
        0755 0 
        0755 0 bin
        0777 0 bin/nginx
        0755 0 data
        0755 30907 data/www
        0755 0 etc
        0644 0 etc/passwd
        0755 0 kegs
        0755 0 kegs/nginx
        0755 0 kegs/nginx/0
        0755 0 kegs/nginx/0/bin
        0755 0 kegs/nginx/0/bin/nginx
        0755 0 kegs/zlib
        0755 0 kegs/zlib/0
        0755 0 kegs/zlib/0/lib
        0777 0 kegs/zlib/0/lib/libz.so.1
        0755 0 kegs/zlib/0/lib/libz.so.1.3
        0755 0 proc
        0755 0 run
        0755 0 run/etc
        0400 30907 run/etc/nginx.conf
        0755 0 tmp
    "#]]
    .assert_eq(&lines.concat());
    let text = Digest::of(b"web1.dev.example a web");
    assert!(
        matches!(&inside.get("run/etc/nginx.conf").unwrap().kind, crate::Kind::File(bytes) if bytes.digest() == text)
    );
}

fn refused(text: &str, service: Option<&str>, expected: Expect) {
    let place = Place::new();
    let error = container(&role(&place, "pair", text), service, "", &tree(&place)).unwrap_err();
    expected.assert_eq(&error.to_string());
}

#[test]
fn which_service_is_said() {
    let two = WEB.replace("[limits]", "[service.other]\nrun = [\"other\"]\nuser = \"web\"\n\n[limits]");
    refused(
        &two,
        None,
        expect!["role `pair` has nginx and other, and a container runs one: say which, by --service nginx"],
    );
    refused(&two, Some("ngin"), expect!["role `pair` has no service `ngin`: it has `nginx` and `other`"]);
    let place = Place::new();
    let role = role(&place, "pair", &two);
    assert_eq!(container(&role, Some("other"), "", &tree(&place)).unwrap().0.ports, Vec::<String>::new());
}

fn image(place: &Place, name: &str, how: (Layers, Compression), to: &str) -> Image {
    let (container, inside, _) = container(&role(place, name, WEB), None, "1", &tree(place)).unwrap();
    let folder = place.path(to);
    fs::create_dir(&folder).unwrap();
    write_layout(&container, &inside, &place.content, how, &folder).unwrap()
}

#[test]
fn a_keg_is_the_same_layer_in_two_roles() {
    let place = Place::new();
    let of = |name, to| {
        let image = image(&place, name, (Layers::Keg, Compression::Gzip), to);
        image.layers.into_iter().map(|layer| (layer.what.clone(), layer)).collect::<BTreeMap<_, _>>()
    };
    let (one, two) = (of("one", "a"), of("two", "b"));
    assert_eq!(one.keys().collect::<Vec<_>>(), ["nginx 0", "the role", "zlib 0"]);
    assert_eq!(one["nginx 0"], two["nginx 0"]);
    assert_eq!(one["zlib 0"], two["zlib 0"]);
    assert_ne!(one["the role"], two["the role"]);
}

#[test]
fn every_blob_is_what_it_is_called_and_the_same_twice() {
    let place = Place::new();
    for (at, how) in
        [(Layers::One, Compression::Gzip), (Layers::Keg, Compression::Zstd)].into_iter().enumerate()
    {
        let (first, second) = (format!("a{at}"), format!("b{at}"));
        assert_eq!(image(&place, "web", how, &first), image(&place, "web", how, &second));
        for entry in fs::read_dir(place.path(&first).join("blobs/sha256")).unwrap() {
            let entry = entry.unwrap();
            let hex = Digest::of(&fs::read(entry.path()).unwrap()).hex();
            assert_eq!(entry.file_name().to_string_lossy(), hex);
        }
    }
}
