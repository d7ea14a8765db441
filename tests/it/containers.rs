//! Containers of roles, by those who read and run them: skopeo, umoci, runc.
//!
//! In the user's own store, as the roles' tests. runc wants root.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::Ran;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

fn run(tap: &Path, arguments: &[&str]) -> Ran {
    Ran::of(Command::new(env!("CARGO_BIN_EXE_rootbrew")).args(arguments).arg("--tap").arg(tap))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder")
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

fn inspected(place: &str) -> Value {
    let config = Ran::of(Command::new("skopeo").args(["inspect", "--config", place])).expect(0);
    json(config.out.as_bytes())
}

#[test]
fn skopeo_reads_and_copies_both_forms() {
    let place = folder();
    let path = |name: &str| place.path().join(name).display().to_string();
    let (layout, archive) = (path("web.oci"), path("web.oci.tar"));
    let more = ["--layers", "keg", "--compression", "zstd"];
    run(&repository(), &["image", "web", "--as", "oci", "--as", "oci-archive", "-o", &path("")])
        .expect(0)
        .says(&["mount /run/etc/nginx/key.pem: it needs tls_key"]);
    run(&repository(), &[&["image", "web", "--as", "oci", "-o", &path("kegs")], &more[..]].concat())
        .expect(0);
    let config = inspected(&format!("oci:{layout}:latest"));
    assert_eq!(config, inspected(&format!("docker-archive:{archive}:web:latest")));
    let words = &config["config"];
    assert_eq!(words["Entrypoint"], serde_json::json!(["/bin/nginx", "-c", "/run/etc/nginx/nginx.conf"]));
    assert_eq!(words["ExposedPorts"], serde_json::json!({ "80/tcp": {}, "443/tcp": {} }));
    assert_eq!(words["StopSignal"], "SIGQUIT");
    assert_eq!(words["Labels"]["org.opencontainers.image.title"], "web");
    for from in [
        format!("oci:{layout}:latest"),
        format!("oci-archive:{archive}"),
        format!("oci:{}:latest", path("kegs")),
    ] {
        // Every digest and length is checked on the way.
        let to = format!("oci:{}", path(&format!("copy{}", from.len())));
        Ran::of(Command::new("skopeo").args(["copy", "--quiet", "--insecure-policy", &from, &to])).expect(0);
    }
}

/// What a person gives who starts it: the two files that the image says it lacks.
fn bundle(place: &Path) -> PathBuf {
    let path = |name: &str| place.join(name).display().to_string();
    run(&repository(), &["image", "web", "--as", "oci", "-o", &path("layout")]).expect(0);
    let bundle = place.join("bundle");
    let image = format!("{}:latest", path("layout"));
    Ran::of(Command::new("umoci").args(["unpack", "--image", &image]).arg(&bundle)).expect(0);
    let (key, certificate) = (path("key.pem"), path("certificate.pem"));
    let words = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=web",
    ];
    Ran::of(Command::new("openssl").args(words).args(["-keyout", &key, "-out", &certificate])).expect(0);
    Ran::of(Command::new("chmod").args(["a+r", &key])).expect(0);
    let file = bundle.join("config.json");
    let mut config = json(&fs::read(&file).expect("the bundle's configuration"));
    config["process"]["terminal"] = false.into();
    // The test's own network, which is nobody else's.
    let namespaces = config["linux"]["namespaces"].as_array_mut().expect("namespaces");
    namespaces.retain(|namespace| namespace["type"] != "network");
    let mounts = config["mounts"].as_array_mut().expect("mounts");
    for name in ["key.pem", "certificate.pem"] {
        mounts.push(serde_json::json!({
            "destination": format!("/run/etc/nginx/{name}"), "type": "none", "source": path(name), "options": ["bind", "ro"],
        }));
    }
    fs::write(&file, config.to_string()).expect("it is written");
    bundle
}

/// Starts it, waits until it answers, asks it, ends it by its own signal.
const ASK: &str = r#"ip link set lo up
runc run "$1" >/dev/null &
at=0
until curl -fsS -o /dev/null http://127.0.0.1/ 2>/dev/null; do
	at=$((at + 1)); [ $at -lt 100 ] || break
	sleep 0.1
done
curl -fsSi http://127.0.0.1/
curl -fsSi --insecure --http2 https://127.0.0.1/
runc kill "$1" QUIT
wait
runc delete -f "$1" 2>/dev/null || true"#;

#[test]
fn nginx_answers_in_a_container() {
    let place = folder();
    let bundle = bundle(place.path());
    let rootfs = bundle.join("rootfs");
    let owner = |path: &str| fs::symlink_metadata(rootfs.join(path)).expect("it is there").uid();
    assert_eq!((owner("data/www"), owner("run/etc/nginx/nginx.conf")), (30907, 0));
    for absent in ["sbin", "etc/rootbrew", "etc/resolv.conf"] {
        assert!(!rootfs.join(absent).exists(), "{absent} is no container's");
    }
    let name = format!("rootbrew-test-{}", std::process::id());
    let mut command = Command::new("unshare");
    command.args(["-n", "sh", "-c", ASK, "ask", &name]).current_dir(&bundle);
    let ran = Ran::of(&mut command);
    ran.says(&["HTTP/1.1 200 OK", "HTTP/2 200", "<h1>web1.dev.example</h1>"]);
}

#[test]
fn a_keg_is_the_same_layer_in_two_roles() {
    let tap = folder();
    for part in ["recipes", "toolchains", "seeds"] {
        symlink(repository().join(part), tap.path().join(part)).expect("a link");
    }
    // What the agent is made of: a link would be no source.
    let agent = ["agent", "host", "Cargo.toml", "Cargo.lock"].map(|part| repository().join(part));
    Ran::of(Command::new("cp").arg("-a").args(agent).arg(tap.path())).expect(0);
    Ran::of(Command::new("cp").arg("-a").arg(repository().join("tests/taps/layers/roles")).arg(tap.path()))
        .expect(0);
    Ran::of(
        Command::new("cp")
            .arg("-a")
            .arg(repository().join("roles/bastion"))
            .arg(repository().join("roles/bastion.toml"))
            .arg(tap.path().join("roles")),
    )
    .expect(0);
    let layers = |role: &str| {
        let to = tap.path().join(format!("{role}.oci")).display().to_string();
        run(tap.path(), &["image", role, "--as", "oci", "--layers", "keg", "-o", &to]).expect(0);
        let read = |path: &str| json(&fs::read(Path::new(&to).join(path)).expect("of the layout"));
        let blob = |digest: &Value| format!("blobs/{}", digest.as_str().expect("a digest").replace(':', "/"));
        let manifest = read(&blob(&read("index.json")["manifests"][0]["digest"]));
        let config = read(&blob(&manifest["config"]["digest"]));
        let history = config["history"].as_array().expect("a history").clone();
        let layers = manifest["layers"].as_array().expect("layers").clone();
        history
            .into_iter()
            .zip(layers)
            .map(|(what, layer)| (what["created_by"].to_string(), layer))
            .collect::<Vec<_>>()
    };
    let (bastion, idle) = (layers("bastion"), layers("idle"));
    let busybox = |layers: &[(String, Value)]| {
        layers
            .iter()
            .find(|(what, _)| what.contains("busybox 0"))
            .map(|(_, layer)| layer.clone())
            .expect("its layer")
    };
    assert_eq!(busybox(&bastion), busybox(&idle));
    assert_eq!(bastion.len(), 3, "{bastion:?}");
    assert_ne!(bastion.last(), idle.last());
}
