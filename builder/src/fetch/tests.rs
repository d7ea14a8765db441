use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::*;

#[test]
#[ignore = "needs Debian's archive"]
fn a_debian_source() {
    let blobs = Folder::open(Path::new("/tmp/rootbrew-seed/blobs")).unwrap();
    let places = Places { apt: Some("/tmp/rootbrew-seed/apt".into()), ..Places::default() };
    let wanted = Wanted {
        name: "bzip2-1.0.8.tar.gz".into(),
        sha256: kegs::digest::parse_sha256("ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269").unwrap(),
        debian: Some(Debian { name: "bzip2".into(), version: "1.0.8-6".into(), suite: None, file: None }),
        ..Wanted::default()
    };
    let results = fetch(&[wanted], &places, &blobs, &|event| eprintln!("{:?}", event.step), &AtomicBool::new(false));
    assert_eq!(results[0].as_ref().unwrap().size_bytes, 810029);
}
