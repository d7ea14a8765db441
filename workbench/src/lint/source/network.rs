//! Places asked whether they still have what they had: only when somebody wishes it, as it takes the network and time.

use builder::fetch::{Places, ask};
use builder::plan::Plan;
use builder::recipe::{Source, Variant};
use rayon::prelude::*;

use super::super::finding::Finding;
use super::variants;

/// S01 and S02 of every source of these plans that has a URL.
pub fn look(plans: &[Plan], places: &Places) -> Vec<Finding> {
    let sources: Vec<(&Variant, &Source)> = variants(plans)
        .into_iter()
        .flat_map(|variant| variant.sources.iter().map(move |source| (variant, source)))
        .filter(|(_, source)| !source.urls.is_empty())
        .collect();
    sources.par_iter().flat_map_iter(|(variant, source)| one(variant, source, places)).collect()
}

fn one(variant: &Variant, source: &Source, places: &Places) -> Vec<Finding> {
    let answers: Vec<_> = source.urls.iter().map(|url| (url, ask(url, places))).collect();
    let mut findings: Vec<Finding> = answers
        .iter()
        .filter_map(|(url, answer)| other_size(source, url, answer.as_ref().ok().copied().flatten()?))
        .collect();
    if answers.iter().all(|(_, answer)| answer.is_err()) {
        findings.extend(
            answers
                .first()
                .and_then(|(url, answer)| Some(dead(variant, source, url, answer.as_ref().err()?))),
        );
    }
    findings
}

fn dead(variant: &Variant, source: &Source, url: &str, why: &str) -> Finding {
    let fault = source.text.fault(
        source.span.clone(),
        format!("no URL of {} {} answers: {url}: {why}", variant.name, variant.version),
    );
    let help = match &source.debian {
        Some(debian) => format!(
            "the bytes are still in the archive as `{}`; find where upstream has them now",
            debian.name
        ),
        None => "find where upstream has it now; `rootbrew fetch` took it from another place, or never"
            .to_string(),
    };
    Finding::new("S01", fault.help(help))
}

/// Other bytes under the same name: seen by their number. Equal numbers of other bytes show when they are fetched.
fn other_size(source: &Source, url: &str, found: u64) -> Option<Finding> {
    let wanted = source.size_bytes.filter(|wanted| *wanted != found)?;
    let message = format!("{url} has {found} bytes now, and the recipe says {wanted}");
    let fault = source.text.fault(source.span.clone(), message).label("changed under its name");
    let help = "upstream replaced it, or somebody else did: compare the two before you take the new sha256";
    Some(Finding::new("S02", fault.help(help)))
}
