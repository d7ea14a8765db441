//! Names: under which of its names a record may mean a part of the image.
//!
//! A keg is upstream's own release, so only collections that name and number upstream releases speak of it: a generic purl,
//! OSS-Fuzz, Bitnami, the kernel's, PyPI and crates.io; the repository, and the CPE that NVD's conversions carry. A
//! distribution's numbers say what it has patched, not what upstream released: they hold for the seed's packages alone.

use std::collections::BTreeMap;

use assembler::papers::identity::purl;
use assembler::papers::{Papers, Part, PartId, Upstream};

use super::osv::{Affected, texts};

/// Each name to the parts that have it.
#[derive(Debug, Default)]
pub struct Names {
    purls: BTreeMap<String, Vec<PartId>>,
    ecosystems: BTreeMap<(String, String), Vec<PartId>>,
    repositories: BTreeMap<String, Vec<PartId>>,
    cpes: BTreeMap<String, Vec<PartId>>,
}

impl Names {
    pub fn of(papers: &Papers) -> Names {
        let mut names = Names::default();
        for part in papers.parts.values() {
            names.purls.entry(without_version(&purl(part)).to_string()).or_default().push(part.id.clone());
            for (ecosystem, name) in ecosystems(papers, part) {
                names.ecosystems.entry((ecosystem, name)).or_default().push(part.id.clone());
            }
            for repository in repositories(part) {
                names.repositories.entry(repository).or_default().push(part.id.clone());
            }
            let cpe = part.cpe.iter().map(|cpe| cpe.to_lowercase());
            cpe.for_each(|cpe| names.cpes.entry(cpe).or_default().push(part.id.clone()));
        }
        names
    }

    /// The parts that an entry speaks of, each with the surest name by which.
    pub fn meant(&self, affected: &Affected) -> BTreeMap<PartId, &'static str> {
        let mut meant = BTreeMap::new();
        let mut add = |parts: Option<&Vec<PartId>>, by| {
            for id in parts.into_iter().flatten() {
                meant.entry(id.clone()).or_insert(by);
            }
        };
        if let Some(package) = &affected.package {
            add(package.purl.as_ref().and_then(|purl| self.purls.get(without_version(purl))), "purl");
            let name = package.name.to_lowercase();
            add(self.ecosystems.get(&(package.ecosystem.to_lowercase(), name)), "ecosystem");
        }
        let repositories = affected.ranges.iter().filter_map(|range| range.repo.as_ref());
        repositories.for_each(|repo| add(self.repositories.get(&repository(repo)), "repository"));
        for product in products(affected) {
            add(self.cpes.get(&product), "cpe");
        }
        meant
    }
}

fn without_version(purl: &str) -> &str {
    purl.split(['@', '?', '#']).next().unwrap_or(purl)
}

fn ecosystems(papers: &Papers, part: &Part) -> Vec<(String, String)> {
    let name = part.id.name();
    let all: Vec<(String, &str)> = match (&part.id, &part.upstream) {
        (PartId::Crate { .. }, _) => vec![("crates.io".into(), name)],
        (_, Some(Upstream::PyPI(name))) => vec![("PyPI".into(), name)],
        (PartId::Seed { .. }, Some(Upstream::Debian { source, suite, .. })) => {
            release(suite).map(|release| (format!("Debian:{release}"), source.as_str())).into_iter().collect()
        }
        _ if papers.kernel.as_ref() == Some(&part.id) => vec![("Linux".into(), "Kernel")],
        _ => vec![("OSS-Fuzz".into(), name), ("Bitnami".into(), name)],
    };
    all.into_iter().map(|(ecosystem, name)| (ecosystem.to_lowercase(), name.to_lowercase())).collect()
}

/// Debian's numbers of its releases; what is not released has none, and no records.
fn release(suite: &str) -> Option<u32> {
    [("bookworm", 12), ("trixie", 13), ("forky", 14)]
        .iter()
        .find(|(name, _)| suite.starts_with(name))
        .map(|(_, n)| *n)
}

/// Where the sources' URLs and the home show that they are of a repository that records name.
fn repositories(part: &Part) -> Vec<String> {
    let urls = part.sources.iter().filter_map(|source| source.url.as_deref()).chain(part.home.as_deref());
    let mut all: Vec<String> = urls.filter_map(forge).collect();
    all.sort();
    all.dedup();
    all
}

/// `github.com/openssl/openssl` of any URL below it; `None` where the host holds no repositories.
fn forge(url: &str) -> Option<String> {
    let plain = repository(url);
    let mut words = plain.splitn(4, '/');
    let (host, owner, name) = (words.next()?, words.next()?, words.next()?);
    let is_forge = ["github.com", "gitlab.com", "codeberg.org"].contains(&host);
    is_forge.then(|| format!("{host}/{owner}/{}", name.trim_end_matches(".git")))
}

/// Without what does not tell repositories apart.
fn repository(url: &str) -> String {
    let plain = url.trim_start_matches("git+").split_once("://").map_or(url, |(_, rest)| rest);
    let plain = plain.trim_start_matches("www.").split(['?', '#', '@']).next().unwrap_or(plain);
    plain.trim_end_matches('/').trim_end_matches(".git").to_lowercase()
}

/// `vendor:product` of each CPE that the entry's own database put in.
fn products(affected: &Affected) -> Vec<String> {
    let mut found = Vec::new();
    texts(&affected.database_specific, &mut found);
    texts(&affected.ecosystem_specific, &mut found);
    affected.ranges.iter().for_each(|range| texts(&range.database_specific, &mut found));
    let mut all: Vec<String> = found.into_iter().filter_map(product).collect();
    all.sort();
    all.dedup();
    all
}

/// `cpe:2.3:a:vendor:product:…`, or the older `cpe:/a:vendor:product:…`.
pub fn product(cpe: &str) -> Option<String> {
    let rest = cpe.strip_prefix("cpe:2.3:").or_else(|| cpe.strip_prefix("cpe:/"))?;
    let mut words = rest.split(':').skip(1);
    let (vendor, product) = (words.next()?, words.next()?);
    Some(format!("{vendor}:{product}").replace('\\', "").to_lowercase())
}
