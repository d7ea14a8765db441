//! Finding recipes and roles by a word: of their name, virtuals, summary or options.
//!
//! Pure. A hit says what it was found by; a name that is the word comes first, one that is only like it last.

use strsim::damerau_levenshtein;

/// What can be found: a recipe or a role, with its words.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    pub name: String,
    pub provides: Vec<String>,
    pub summary: String,
    /// Name and summary of each option.
    pub options: Vec<(String, String)>,
}

/// How near a word came, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hit {
    Name,
    NameBegins,
    Provides,
    InName,
    Summary,
    Option,
    /// A letter is wrong.
    Like,
}

/// The entries that every word finds, the nearest first, then by name; `usize` is their place in `entries`.
pub fn search(entries: &[Entry], words: &[String]) -> Vec<(Hit, usize)> {
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let mut hits: Vec<(Hit, usize)> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let each: Option<Vec<Hit>> = words.iter().map(|word| hit(entry, word)).collect();
        hits.extend(each.and_then(|each| each.into_iter().max()).map(|hit| (hit, at)));
    }
    hits.sort_by(|a, b| (a.0, &entries[a.1].name).cmp(&(b.0, &entries[b.1].name)));
    hits
}

fn hit(entry: &Entry, word: &str) -> Option<Hit> {
    let holds = |text: &str| text.to_lowercase().contains(word);
    let name = entry.name.to_lowercase();
    match () {
        () if name == word => Some(Hit::Name),
        () if name.starts_with(word) => Some(Hit::NameBegins),
        () if entry.provides.iter().any(|virtual_name| virtual_name == word) => Some(Hit::Provides),
        () if name.contains(word) => Some(Hit::InName),
        () if holds(&entry.summary) => Some(Hit::Summary),
        () if entry.options.iter().any(|(name, summary)| name == word || holds(summary)) => Some(Hit::Option),
        // Of short words everything is one letter away.
        () if word.len() > 3 && damerau_levenshtein(&name, word) == 1 => Some(Hit::Like),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, provides: &[&str], summary: &str, options: &[(&str, &str)]) -> Entry {
        Entry {
            name: name.into(),
            provides: provides.iter().map(|name| name.to_string()).collect(),
            summary: summary.into(),
            options: options.iter().map(|(name, summary)| (name.to_string(), summary.to_string())).collect(),
        }
    }

    fn found(words: &[&str]) -> Vec<String> {
        let entries = [
            entry("openssl", &["openssl-api"], "TLS and cryptography", &[("ktls", "let the kernel encrypt")]),
            entry("libressl", &["openssl-api"], "TLS, small", &[]),
            entry("stunnel", &[], "TLS around what has none", &[]),
            entry("zlib", &[], "Lossless compression", &[]),
            entry("curl", &[], "Transfers by URL", &[("tls", "HTTPS")]),
        ];
        let words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
        search(&entries, &words)
            .into_iter()
            .map(|(hit, at)| format!("{hit:?} {}", entries[at].name))
            .collect()
    }

    #[test]
    fn a_name_comes_before_a_summary_and_a_slip_comes_last() {
        assert_eq!(found(&["openssl"]), ["Name openssl"]);
        assert_eq!(found(&["openssl-api"]), ["Provides libressl", "Provides openssl"]);
        assert_eq!(found(&["ssl"]), ["InName libressl", "InName openssl", "Summary zlib"]);
        assert_eq!(
            found(&["TLS"]),
            ["Summary libressl", "Summary openssl", "Summary stunnel", "Option curl"]
        );
        assert_eq!(found(&["zlip"]), ["Like zlib"]);
        assert_eq!(found(&["tls", "kernel"]), ["Option openssl"]);
        assert!(found(&["nothing-like-it"]).is_empty());
    }
}
