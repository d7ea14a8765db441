//! Preset `python`: a pyproject.toml (or a setup.py) to a wheel, the wheel to a keg. Both by the pip that Python brings
//! with it, which is told to fetch nothing and to isolate nothing: the build backend is a keg under `build`.
//!
//! A keg with programs is a virtual environment: `bin/python3` links to Python's own and `pyvenv.cfg` lies beside `bin`, so
//! a program finds its keg's modules by where it is. Those of linked kegs are named in `site-packages/kegs.pth`.

use super::quote::{word, words};
use super::shell::{Steps, command};
use super::{OUT, Place};
use crate::recipe::variant::Variant;

const WHEEL: &str = "/build/wheel";
// No path of a file: Python looks into the archive.
const PIP: &str = "python3 -P \"$(echo \"$KEG_PYTHON\"/lib/python3*/ensurepip/_bundled/pip-*.whl)\"/pip";
const QUIET: &str = "--no-index --no-deps --no-cache-dir --no-input --disable-pip-version-check";

pub fn steps(variant: &Variant, place: &Place) -> Steps {
    Steps {
        configure: Vec::new(),
        build: vec![path(place), wheel(variant)],
        check: vec![path(place), command(["python3 -m pytest", &words(&variant.targets.check)])],
        install: [vec![install(variant)], programs(), linked(place), vec![compile()]].concat(),
    }
}

// The folder has Python's version in it, which only the keg knows.
fn path(place: &Place) -> String {
    let kegs = words(place.build.iter().chain(place.link).map(|keg| keg.prefix.as_str()));
    format!(
        "for dir in $(for keg in {kegs}; do echo \"$keg\"/lib/python3*/site-packages; done); do \
         PYTHONPATH=$dir${{PYTHONPATH:+:$PYTHONPATH}}; done; export PYTHONPATH"
    )
}

fn wheel(variant: &Variant) -> String {
    let all = [PIP, "wheel", QUIET, "--no-build-isolation --use-pep517", "--wheel-dir", WHEEL];
    command([&command(all), words(&variant.args).as_str(), "."])
}

// By its name: of a path, pip would write down where the wheel was.
fn install(variant: &Variant) -> String {
    let prefix = word(&variant.keg());
    format!(
        "wheel=$(ls {WHEEL}); {PIP} install {QUIET} --ignore-installed --no-compile --no-warn-script-location \
         --root={OUT} --prefix={prefix} --find-links={WHEEL} \"${{wheel%%-*}}\""
    )
}

fn programs() -> Vec<String> {
    [
        "if [ -d \"$OUT/bin\" ]; then",
        "\tgrep -lE '^#!.*python' \"$OUT\"/bin/* | xargs -r sed -i \"1s,^#!.*,#!$KEG/bin/python3,\"",
        "\tln -s \"$KEG_PYTHON/bin/python3\" \"$OUT/bin/python3\"",
        "\tprintf '%s\\n' \"home = $KEG_PYTHON/bin\" 'include-system-site-packages = false' >\"$OUT/pyvenv.cfg\"",
        "fi",
    ]
    .map(String::from)
    .to_vec()
}

fn linked(place: &Place) -> Vec<String> {
    let others = place.link.iter().filter(|keg| keg.name != "python");
    let kegs = words(others.map(|keg| keg.prefix.as_str()));
    if kegs.is_empty() {
        return Vec::new();
    }
    vec![
        format!(
            "for dir in $(for keg in {kegs}; do ls -d \"$keg\"/lib/python3*/site-packages || :; done); do"
        ),
        "\techo \"$dir\" >>\"$(echo \"$OUT\"/lib/python3*/site-packages)/kegs.pth\"".to_string(),
        "done".to_string(),
    ]
}

// Python never looks whether the source is newer: a keg does not change. No time is in such a file.
fn compile() -> String {
    format!("python3 -m compileall -q --invalidation-mode unchecked-hash -s {OUT} \"$OUT\"/lib")
}
