//! Looking up: which keg's file a bare name means, for the role or for a file that asks.

use super::keg::Keg;
use super::link::{Found, Laid};

/// Folders of a keg whose programs a bare name may mean.
const PROGRAMS: [&str; 2] = ["bin", "sbin"];

/// Which of `among` have a program of this name, each with its path.
pub fn programs(laid: &Laid, kegs: &[Keg], among: &[usize], name: &str) -> Vec<(usize, String)> {
    let in_keg = |at: &usize| {
        let places = PROGRAMS.iter().map(|folder| format!("{}/{folder}/{name}", kegs[*at].place()));
        places.into_iter().find(|path| is_file(laid, path)).map(|path| (*at, path))
    };
    among.iter().filter_map(in_keg).collect()
}

/// A link of this name where a program would be, whatever it leads to.
pub fn link(laid: &Laid, kegs: &[Keg], among: &[usize], name: &str) -> Option<String> {
    let places = among
        .iter()
        .flat_map(|at| PROGRAMS.iter().map(move |folder| format!("{}/{folder}/{name}", kegs[*at].place())));
    places.into_iter().find(|path| laid.target(path).is_some())
}

/// The first of `folders` (paths in the image) that has a file of this name.
pub fn in_folders(laid: &Laid, folders: &[String], name: &str) -> Option<String> {
    folders.iter().map(|folder| format!("{folder}/{name}")).find(|path| is_file(laid, path))
}

pub fn is_file(laid: &Laid, path: &str) -> bool {
    laid.end(path).is_some_and(|end| matches!(end.found, Found::File { .. }))
}

/// The keg, what it links, what that links, and so on, nearest first, each once.
pub fn link_closure(kegs: &[Keg], keg: usize) -> Vec<usize> {
    let mut order = vec![keg];
    let mut next = 0;
    while let Some(&at) = order.get(next) {
        for (name, slot) in &kegs[at].link {
            let linked = kegs.iter().position(|keg| keg.name == *name && keg.slot == *slot);
            order.extend(linked.filter(|linked| !order.contains(linked)));
        }
        next += 1;
    }
    order
}

/// The keg, what it links, then all the others: the order in which a file of `keg` looks for a name.
pub fn nearest_first(kegs: &[Keg], keg: usize) -> Vec<usize> {
    let mut order = link_closure(kegs, keg);
    order.extend((0..kegs.len()).filter(|at| !order.contains(at)).collect::<Vec<_>>());
    order
}

/// A search path as a path in the image, `$ORIGIN` being the folder that the file which has it stands in.
pub fn expand(search: &str, file: &str) -> String {
    let origin = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let origin = format!("/{origin}");
    search.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin).trim_matches('/').to_string()
}

/// Where musl's loader, started by this path, reads the folders that it searches last: `/lib/ld-musl-x86_64.so.1` reads
/// `/etc/ld-musl-x86_64.path`, from the folder above its own. `None` for other loaders.
pub fn musl_path_file(loader: &str) -> Option<String> {
    let (folder, name) = loader.rsplit_once('/')?;
    let arch = name.strip_prefix("ld-musl-")?.strip_suffix(".so.1")?;
    let above = folder.rsplit_once('/').map_or(String::new(), |(above, _)| format!("{above}/"));
    Some(format!("{above}etc/ld-musl-{arch}.path"))
}
