//! The role web, observed: what its services opened, and asked for in vain.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Events, Ran};

fn run(arguments: &[&str]) -> Ran {
    let tap = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    Ran::of(Command::new(env!("CARGO_BIN_EXE_rootbrew")).args(arguments).arg("--tap").arg(tap))
}

#[test]
fn web_is_observed_and_what_is_published_is_not() {
    let ran = run(&["image", "web", "--observe", "--json"]).expect(0);
    let events = Events::of(&ran);
    let report = events.with("observed").next().unwrap_or_else(|| panic!("no report: {ran}"));
    let paths = |key: &str| -> Vec<String> {
        let list = report[key].as_array().into_iter().flatten();
        list.filter_map(|entry| Some(entry["path"].as_str()?.to_string())).collect()
    };
    let opened = paths("opened");
    for path in ["bin/nginx", "kegs/nginx/0/bin/nginx", "etc/rootbrew/templates/nginx.conf", "sbin/init"] {
        assert!(opened.iter().any(|opened| opened == path), "{path} of {opened:?}");
    }
    assert!(paths("never_opened").iter().any(|path| path == "etc/os-release"), "{ran}");
    // Where nginx would have its configuration if nobody told it another place; musl's dynamic loader is no part of it.
    assert!(!paths("absent").is_empty(), "{ran}");
    // Only the observed image's agent knows the port by which it tells.
    let published = run(&["image", "web"]).expect(0);
    let root = PathBuf::from(published.out.trim()).join("root.erofs");
    let bytes = std::fs::read(&root).expect("the published image");
    let word = b"org.rootbrew.observe";
    assert!(!bytes.windows(word.len()).any(|window| window == word), "{}", root.display());
}
