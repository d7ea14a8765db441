//! Keys that are changed, by the built program: python-tuf follows, with what it had kept before.

use std::fs;
use std::process::Command;

use crate::channel::{Home, JUDGE, python};
use crate::support::Ran;

fn judged(home: &Home) -> Ran {
    let mut judge = Command::new(python());
    judge.args(["-c", JUDGE]).arg(home.public()).arg(home.toy.path().join("kept")).arg("edge/box/image.json");
    Ran::of(&mut judge).expect(0)
}

#[test]
fn python_tuf_follows_new_keys() {
    let home = Home::at("public", Default::default());
    home.publish();
    judged(&home).says(&["\"format\":1"]);
    let rotate = ["channel", "rotate", "public", "--keys", "keys"];
    let all = [
        "--new",
        "root-1",
        "--new",
        "timestamp",
        "--new",
        "snapshot",
        "--new",
        "targets",
        "--new",
        "publish",
    ];
    home.run(&[&rotate[..], &all].concat()).expect(0).says(&["rotated", "root 2"]);
    judged(&home);
    home.edit("2.0");
    home.publish();
    judged(&home);
    home.verify();
    home.pull("public").expect(0);
    // Two of the three root keys lie elsewhere: two sittings.
    let (keys, apart) = (home.toy.path().join("keys"), home.toy.path().join("apart"));
    fs::create_dir(&apart).expect("a folder");
    for name in ["root-2.pem", "root-3.pem"] {
        fs::rename(keys.join(name), apart.join(name)).expect("it is moved");
    }
    home.run(&[&rotate[..], &["--new", "root-1"]].concat())
        .expect(1)
        .says(&["1 more signatures of the present root", "sign keys/next/root.json"]);
    home.run(&["channel", "sign", "keys/next/root.json", "root-2", "--keys", "apart"])
        .expect(0)
        .says(&["root 3", "root  2 of 3"]);
    home.run(&rotate).expect(0).says(&["root 3"]);
    judged(&home);
    home.edit("3.0");
    home.publish();
    judged(&home);
    home.pull("public").expect(0);
    home.verify();
}
