//! `rootbrew new`: a first recipe out of a source archive. Fetches, looks, writes one new folder, or nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use builder::fetch::{self, Apt, Debian, Fresh, FreshError, Wanted};
use builder::recipe::{self, Preset, Recipe, dep};
use kegs::{Digest, Faults, Store};
use workbench::archive::ArchiveError;
use workbench::new::{self, Draft, Origin};

use crate::context::Context;
use crate::terminal::{bytes, data, event, talk};
use crate::trouble::{Result, Trouble};

/// As the kernel's, with room: a server that never ends must not fill the disk.
const ARCHIVE_MAX_BYTES: u64 = 1 << 30;

pub fn run(context: &Context, name: &str, place: &str) -> Result<()> {
    let folder = free_folder(context, name)?;
    let store = context.create_store()?;
    let _in_use = store.lock_in_use()?;
    let known = known(context);
    let draft = match place.strip_prefix("debian=") {
        Some(pin) => of_debian(context, &store, name, pin, &known)?,
        None => of_url(context, &store, name, place, &known)?,
    };
    write(&folder, &draft)?;
    tell(context, &draft);
    Ok(())
}

/// `recipes/NAME`, which must not be there.
fn free_folder(context: &Context, name: &str) -> Result<PathBuf> {
    if !dep::is_name(name) {
        let help = "lower-case letters, digits and `. _ + -`, a letter or digit first";
        return Err(Trouble::Failed(format!("`{name}` is no name for a recipe: {help}")));
    }
    let folder = context.tap.join("recipes").join(name);
    match folder.symlink_metadata() {
        Ok(_) => Err(Trouble::Failed(format!(
            "{} is there already: `rootbrew bump {name}` brings a newer version; remove it to begin anew",
            folder.display()
        ))),
        Err(_) => Ok(folder),
    }
}

/// Names that a dependency may have. Other recipes' faults do not keep anybody from writing a new one.
fn known(context: &Context) -> BTreeSet<String> {
    let (catalogue, _faults) = recipe::load_partly(&context.tap);
    catalogue.recipes.keys().chain(catalogue.provides.keys()).cloned().collect()
}

fn of_url(
    context: &Context,
    store: &Store,
    name: &str,
    url: &str,
    known: &BTreeSet<String>,
) -> Result<Draft> {
    if !["https://", "http://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(Trouble::Failed(format!(
            "`{url}` is no place: a URL (https://…) or debian=NAME=VERSION[/SUITE] is wanted"
        )));
    }
    event("fetch", name, url);
    let said = |error: FreshError| match error {
        FreshError::Cancelled => Trouble::Cancelled,
        other => Trouble::Failed(format!("{url} {other}")),
    };
    let fresh = fetch::fresh(url, ARCHIVE_MAX_BYTES, &context.places, store, context.cancel.flag());
    let fresh = fresh.map_err(said)?;
    let file = url.split(['?', '#']).next().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
    let origin = Origin { url: Some(url.to_string()), ..Origin::default() };
    let draft = new::draft(name, fresh.file.path(), file, &origin, fresh.digest, known);
    let draft = draft.map_err(|error| unfit(url, &error))?;
    keep(fresh, store)?;
    talk(&format!("        sha256 {}: of what came, trusted on first use", draft.digest.hex()));
    Ok(draft)
}

fn keep(fresh: Fresh, store: &Store) -> Result<()> {
    fresh.keep(store).map_err(|error| Trouble::Failed(format!("cannot write it into the store: {error}")))
}

fn unfit(place: &str, error: &ArchiveError) -> Trouble {
    Trouble::Failed(format!("{place}: {error}"))
}

/// Debian's index names the digest, so the bytes are fetched as any pinned source is.
fn of_debian(
    context: &Context,
    store: &Store,
    name: &str,
    pin: &str,
    known: &BTreeSet<String>,
) -> Result<Draft> {
    let debian = recipe::Debian::parse(pin).ok_or_else(|| {
        Trouble::Failed(format!(
            "`debian={pin}`: debian=NAME=VERSION[/SUITE] is wanted, as debian=lz4=1.10.0-10/sid"
        ))
    })?;
    let state = context.apt();
    let records = Apt::new(&state).records(&debian.name, debian.suite.as_deref(), context.places.network);
    let records = records.map_err(|error| Trouble::Failed(error.to_string()))?;
    let Some(record) = records.iter().find(|record| record.version == debian.version) else {
        let versions: Vec<String> =
            records.iter().map(|record| format!("{}/{}", record.version, record.suite)).collect();
        let found = if versions.is_empty() { "none".to_string() } else { versions.join(", ") };
        return Err(Trouble::Failed(format!(
            "no suite has {}={}; found: {found}",
            debian.name, debian.version
        )));
    };
    let original = record.originals.iter().find(|file| !file.file.contains(".orig-"));
    let (Some(original), Some(sha256)) = (original, original.and_then(|file| file.sha256)) else {
        return Err(Trouble::Failed(format!("{}={} has no upstream archive", debian.name, debian.version)));
    };
    let wanted = Wanted {
        name: original.file.clone(),
        sha256,
        size_bytes: Some(original.size_bytes),
        debian: Some(Debian {
            name: debian.name.clone(),
            version: debian.version.clone(),
            suite: Some(record.suite.clone()),
            file: Some(original.file.clone()),
        }),
        ..Wanted::default()
    };
    event("fetch", name, &format!("{} of Debian's {}", original.file, record.suite));
    let digest = one(context, store, &wanted)?;
    let origin = Origin {
        debian: Some(format!("{}={}/{}", debian.name, debian.version, record.suite)),
        home: record.home.clone(),
        url: None,
    };
    let path = store.blob_path(&digest, false);
    let draft = new::draft(name, &path, &original.file, &origin, digest, known);
    draft.map_err(|error| unfit(&original.file, &error))
}

fn one(context: &Context, store: &Store, wanted: &Wanted) -> Result<Digest> {
    let mut results =
        fetch::fetch(std::slice::from_ref(wanted), &context.places, store, &|_| (), context.cancel.flag());
    match results.pop() {
        Some(Ok(digest)) => Ok(digest),
        Some(Err(_)) if context.cancel.is_said() => Err(Trouble::Cancelled),
        Some(Err(error)) => Err(Trouble::Failed(error.to_string())),
        None => Err(Trouble::Bug("a fetch of one file gave no result".into())),
    }
}

/// The whole folder by one rename: a reader never meets half a recipe.
fn write(folder: &Path, draft: &Draft) -> Result<()> {
    let text = new::text(draft);
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let failed =
        |error: std::io::Error| Trouble::Failed(format!("cannot write {}: {error}", folder.display()));
    let parent = folder.parent().unwrap_or(Path::new("."));
    let staged = tempfile::Builder::new().prefix(".new-").tempdir_in(parent).map_err(failed)?;
    std::fs::write(staged.path().join("recipe.toml"), &text).map_err(failed)?;
    if draft.preset == Preset::Script {
        std::fs::write(staged.path().join("steps.sh"), new::steps(&draft.name)).map_err(failed)?;
    }
    let mut faults = Faults::default();
    let path = PathBuf::from(format!("recipes/{name}/recipe.toml"));
    if Recipe::parse(&draft.name, staged.path(), &path, text.as_bytes(), &mut faults).is_none() {
        return Err(Trouble::Bug(format!("the recipe that was written has faults:\n{faults}\n{text}")));
    }
    // 0700 is a temporary folder's mode, and not a recipe's.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(staged.path(), mode).map_err(failed)?;
    std::fs::rename(staged.path(), folder).map_err(failed)
}

fn tell(context: &Context, draft: &Draft) {
    let file = context.tap.join("recipes").join(&draft.name).join("recipe.toml");
    if context.json {
        let unsure: Vec<_> = draft
            .unsure
            .iter()
            .map(|unsure| serde_json::json!({ "key": unsure.key, "why": unsure.why }))
            .collect();
        return data(
            &serde_json::json!({
                "event": "new", "recipe": draft.name, "file": file, "version": draft.version,
                "preset": draft.preset.name(), "license": draft.license, "unsure": unsure,
            })
            .to_string(),
        );
    }
    let size = bytes(draft.digest.size_bytes);
    event(
        "wrote",
        &format!("{} {}", draft.name, draft.version),
        &format!("preset {}, {size}", draft.preset.name()),
    );
    talk(&format!("        {}", file.display()));
    for unsure in &draft.unsure {
        event("unsure", unsure.key, &unsure.why);
    }
    talk(
        "unsure  test                        none is written: `test = { run = [\"…\", \"--version\"], stdout = \"…\" }`",
    );
    talk(&format!("hint: `rootbrew build {}`, then `rootbrew shell {0}` where it fails", draft.name));
}
