//! Pages: `docs/lints.md`, and the part of it that `--explain` shows. Made from the registry, and from nothing else.

use super::registry::{Lint, RINGS, Ring, TABLES};

/// The whole page.
pub fn document() -> String {
    let mut page = String::from(HEAD);
    for (ring, lints) in RINGS.into_iter().zip(TABLES) {
        if lints.is_empty() {
            continue;
        }
        page.push_str(&format!(
            "\n## Ring `{}`: {}\n\n| id | name | | `--fix` | what |\n|---|---|---|---|---|\n",
            ring.name(),
            about(ring)
        ));
        for lint in lints {
            let mend = if lint.mend == super::Mend::None { "" } else { lint.mend.name() };
            let link = lint.id.to_lowercase();
            page.push_str(&format!(
                "| [{}](#{link}-{}) | {} | {} | {mend} | {} |\n",
                lint.id,
                lint.name,
                lint.name,
                lint.severity.name(),
                lint.what
            ));
        }
        if ring == Ring::Keg {
            page.push_str(&format!("\n{}", super::registry::keg::NEVER));
        }
        for lint in lints {
            page.push('\n');
            page.push_str(&explain(lint));
        }
    }
    page
}

const HEAD: &str = "# Lints

Made from the registry's code (`workbench/src/lint/registry/`): change it there, then `UPDATE_EXPECT=1 cargo test -p workbench`.

`rootbrew lint` tells all findings of all recipes and roles at once, each at its character; `--fix` makes the safe fixes, `--explain ID` shows one
part of this page. An *error* fails, a *warning* fails with `--strict`, an *info* is there to know. A recipe silences one lint by
`allow = { T08 = \"why\" }`, by id or name, and never without a reason; what silences nothing is T16.
";

fn about(ring: Ring) -> &'static str {
    match ring {
        Ring::Text => "one recipe's or role's files",
        Ring::Plan => "all recipes and roles together",
        Ring::Source => "the sources' bytes and places",
        Ring::Keg => "what a build made and did",
        Ring::Role => "what a role's kegs come to",
    }
}

/// One lint's part.
pub fn explain(lint: &Lint) -> String {
    let mut part =
        format!("### {} {}\n{}: {}.\n\n{}\n", lint.id, lint.name, lint.severity.name(), lint.what, lint.why);
    for (title, example) in [("wrong", lint.wrong), ("right", lint.right)] {
        if !example.is_empty() {
            part.push_str(&format!("```\n# {title}\n{example}\n```\n"));
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_what_the_registry_says() {
        expect_test::expect_file!["../../../docs/lints.md"].assert_eq(&document());
    }
}
