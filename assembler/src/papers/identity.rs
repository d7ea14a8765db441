//! Identity: the names by which the world's tools know a part (purl, CPE), and those by which a document's parts refer to each other.

use kegs::Digest;

use super::{Part, PartId, Upstream};

/// A package URL (the purl specification). A keg is `generic`: only its name, version and bytes identify it.
pub fn purl(part: &Part) -> String {
    let version = escape(&part.version);
    let at = if version.is_empty() { String::new() } else { format!("@{version}") };
    match (&part.id, &part.upstream) {
        (PartId::Seed { name, .. }, Some(Upstream::Debian { suite, arch, .. })) => {
            format!("pkg:deb/debian/{}{at}?arch={}&distro={}", escape(name), escape(arch), escape(suite))
        }
        (PartId::Crate { name, .. }, _) => format!("pkg:cargo/{}{at}", escape(name)),
        (_, Some(Upstream::PyPI(name))) => format!("pkg:pypi/{}{at}", escape(name)),
        (id, _) => format!("pkg:generic/{}{at}{}", escape(id.name()), qualifiers(part)),
    }
}

/// Sorted by name, as the specification wants them.
fn qualifiers(part: &Part) -> String {
    let Some(source) = part.sources.first() else { return String::new() };
    let checksum = source.sha256.as_ref().map(|sha256| format!("checksum=sha256:{sha256}"));
    let url = source.url.as_ref().map(|url| format!("download_url={}", escape(url)));
    let all: Vec<String> = checksum.into_iter().chain(url).collect();
    if all.is_empty() { String::new() } else { format!("?{}", all.join("&")) }
}

/// What purl leaves as it is; the rest as `%2B`.
fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The formatted string of CPE 2.3 (NISTIR 7695, 6.2), where the recipe says who makes it and how it is called.
pub fn cpe(part: &Part) -> Option<String> {
    let (vendor, product) = part.cpe.as_ref()?.split_once(':')?;
    // NVD has the kernel among operating systems.
    let kind = if product == "linux_kernel" { "o" } else { "a" };
    let parts = [vendor, product, upstream_version(part)].map(cpe_escape).join(":");
    Some(format!("cpe:2.3:{kind}:{parts}:*:*:*:*:*:*:*"))
}

/// Without what Debian adds: `12.2.0` of `12.2.0-14+deb12u1`, `1.97.1` of `1.97.1+dfsg1-1` (deb-version(7)).
pub fn upstream_version(part: &Part) -> &str {
    if !matches!(part.id, PartId::Seed { .. }) {
        return &part.version;
    }
    let version = part.version.split_once(':').map_or(part.version.as_str(), |(_, version)| version);
    let version = version.rsplit_once('-').map_or(version, |(version, _)| version);
    version.split(['+', '~']).next().unwrap_or(version)
}

fn cpe_escape(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    text.chars().map(|c| if plain(c) { c.to_string() } else { format!("\\{c}") }).collect()
}

/// Letters, digits, `.` and `-`; what had others ends with a piece of the whole's digest, so that no two are one.
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    let word: String = text.chars().map(|c| if plain(c) { c } else { '-' }).collect();
    if word == text { word } else { format!("{word}-{}", &Digest::of(text.as_bytes()).hex()[..8]) }
}

/// `keg-openssl-3.0`, `crate-memchr-2.8.3`.
pub fn part_word(id: &PartId) -> String {
    match id {
        PartId::Keg { name, slot } => word(&format!("keg-{name}-{slot}")),
        PartId::Seed { name, version } | PartId::Crate { name, version } => {
            word(&format!("{}-{name}-{version}", id.kind()))
        }
    }
}

/// By the path's digest: another file in the image changes no other's name.
pub fn file_word(path: &str) -> String {
    format!("file-{}", &Digest::of(path.as_bytes()).hex()[..16])
}

/// A UUID of RFC 9562's version 8 out of a digest.
pub fn uuid(digest: &Digest) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.sha256[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// `kegs::EPOCH_S` as both formats write a time: papers have no clock.
pub const CREATED: &str = "2026-01-01T00:00:00Z";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::papers::tests::part;

    #[test]
    fn the_time_is_the_epoch_of_all_kegs() {
        // Days from 1970 to 2026: 56 years, 14 leap days.
        assert_eq!(kegs::EPOCH_S, (56 * 365 + 14) * 86_400);
        assert_eq!(CREATED, "2026-01-01T00:00:00Z");
    }

    #[test]
    fn names_of_the_world() {
        let keg = part(PartId::keg("openssl", "3"), "3.6.3");
        assert_eq!(purl(&keg), "pkg:generic/openssl@3.6.3");
        assert_eq!(
            cpe(&Part { cpe: Some("openssl:openssl".into()), ..keg }).unwrap(),
            "cpe:2.3:a:openssl:openssl:3.6.3:*:*:*:*:*:*:*"
        );
        let libc = PartId::Seed { name: "libc6-dev".into(), version: String::new() };
        assert_eq!(upstream_version(&part(libc.clone(), "2.36-9+deb12u14")), "2.36");
        assert_eq!(upstream_version(&part(libc, "1:1.97.1+dfsg1-1")), "1.97.1");
        let id = PartId::Crate { name: "toml".into(), version: "1.2.1+spec-1.1.0".into() };
        let toml = part(id.clone(), "1.2.1+spec-1.1.0");
        assert_eq!(purl(&toml), "pkg:cargo/toml@1.2.1%2Bspec-1.1.0");
        assert!(part_word(&id).starts_with("crate-toml-1.2.1-spec-1.1.0-"));
        assert_eq!(part_word(&PartId::keg("openssl", "3.0")), "keg-openssl-3.0");
    }
}
