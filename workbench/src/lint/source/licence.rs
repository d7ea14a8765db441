//! Which licence a text is, by phrases that no other has. Families, not versions of wording: `GPL-2.0-only` and
//! `GPL-2.0-or-later` have one text. What is not known is not guessed.

/// All of these phrases (lower case, one space between words), and the family.
const FAMILIES: &[(&str, &[&str])] = &[
    ("Apache-2.0", &["apache license", "version 2.0"]),
    ("AGPL-3.0", &["gnu affero general public license", "version 3"]),
    ("LGPL-3.0", &["gnu lesser general public license version 3"]),
    ("LGPL-2.1", &["gnu lesser general public license version 2.1"]),
    ("LGPL-2.0", &["gnu library general public license version 2"]),
    ("GPL-3.0", &["gnu general public license version 3"]),
    ("GPL-2.0", &["gnu general public license version 2"]),
    ("MPL-2.0", &["mozilla public license version 2.0"]),
    ("Zlib", &["this software is provided 'as-is'", "must not be misrepresented"]),
    ("BSD", &["redistribution and use in source and binary forms"]),
    ("ISC", &["permission to use, copy, modify, and/or distribute this software"]),
    ("ISC", &["permission to use, copy, modify, and distribute this software for any purpose"]),
    ("MIT", &["permission is hereby granted, free of charge, to any person obtaining a copy"]),
    ("Artistic", &["the \"artistic license\""]),
    ("Python", &["python software foundation license"]),
];

/// Families of a text; a text may hold several licences.
pub fn families(text: &str) -> Vec<String> {
    // A text that names licences by their ids says itself whose it is.
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-.+".contains(c);
    let named: Vec<&str> =
        text.split(|c| !is_word(c)).filter(|word| word.contains('-')).filter_map(family).collect();
    // Marks of comments and headings stand between words.
    let text = text.replace(['*', '#', ';'], " ").replace(['`', '\u{2018}', '\u{2019}'], "'").to_lowercase();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found: Vec<String> = Vec::new();
    for (family, phrases) in FAMILIES {
        if phrases.iter().all(|phrase| text.contains(phrase)) && !found.iter().any(|known| known == family) {
            found.push(family.to_string());
        }
    }
    for family in named {
        if !found.iter().any(|known| known == family) {
            found.push(family.to_string());
        }
    }
    found
}

/// The family of an SPDX id; `None` for those of which no phrase is known here.
pub fn family(id: &str) -> Option<&'static str> {
    let cut = id.trim_end_matches("-only").trim_end_matches("-or-later").trim_end_matches('+');
    let known =
        |family: &&str| cut == *family || cut.strip_prefix(*family).is_some_and(|rest| rest.starts_with('-'));
    let other = match cut {
        "X11" | "curl" | "0BSD" => None,
        "PSF-2.0" => Some("Python"),
        _ => None,
    };
    FAMILIES.iter().map(|(family, _)| *family).find(known).or(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart() {
        let check = |text: &str, expected: &[&str]| assert_eq!(families(text), expected, "{text}");
        check("  GNU GENERAL PUBLIC LICENSE\n\t Version 2, June 1991", &["GPL-2.0"]);
        check("GNU LESSER GENERAL PUBLIC LICENSE\n   Version 2.1, February 1999", &["LGPL-2.1"]);
        check("Apache License\nVersion 2.0, January 2004", &["Apache-2.0"]);
        check(" * Redistribution and use in source and binary\n * forms, with or without", &["BSD"]);
        check("All rights reserved.", &[]);
    }

    #[test]
    fn ids_have_families() {
        assert_eq!(family("GPL-2.0-or-later"), Some("GPL-2.0"));
        assert_eq!(family("BSD-3-Clause"), Some("BSD"));
        assert_eq!(family("Zlib"), Some("Zlib"));
        assert_eq!(family("curl"), None);
    }
}
