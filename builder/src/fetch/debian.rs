//! Debian's archive as the last place: its pool of binaries, its upstream sources.
//!
//! apt says where; we fetch that one file ourselves, and our digest decides. The distribution's patches are not used.

use kegs::Digest;

use super::apt::{Apt, AptError, Listed, proxy};
use super::download::{self, Job, Stop};
use super::error::{Attempt, Miss};
use super::http::Client;
use super::partial::Partial;
use super::wanted::{Network, Step};

pub fn search(job: &Job, partial: &mut Partial, tried: &mut Vec<Attempt>) -> Result<Digest, Stop> {
    let Some(state) = &job.places.apt else { return Err(Stop::Missed) };
    let Some(place) = place(job) else { return Err(Stop::Missed) };
    let missed = |miss| Attempt { place: place.clone(), miss, tries: 1 };
    if job.places.network == Network::Offline {
        tried.push(missed(Miss::Offline));
        return Err(Stop::Missed);
    }
    job.tell(Step::Asking { place: &place });
    match urls(job, &Apt::new(state)) {
        Ok(urls) => download::from(job, &Client::by_proxy(job.places, proxy()), &urls, partial, tried),
        Err(miss) => {
            tried.push(missed(miss));
            Err(Stop::Missed)
        }
    }
}

fn place(job: &Job) -> Option<String> {
    let of_debian =
        job.wanted.debian.as_ref().map(|debian| format!("Debian source {}={}", debian.name, debian.version));
    of_debian.or(job.wanted.pool.as_ref().map(|pool| format!("Debian {} {}", pool.suite, pool.path)))
}

fn urls(job: &Job, apt: &Apt) -> Result<Vec<String>, Miss> {
    let said = |error: AptError| Miss::Apt(error.to_string());
    let mut urls = Vec::new();
    if let Some(pool) = &job.wanted.pool {
        urls.extend(apt.pool(pool).map_err(said)?);
    }
    if let Some(debian) = &job.wanted.debian {
        let files = apt.originals(debian, &job.wanted.sha256).map_err(said)?;
        let is_ours = |listed: &&Listed| listed.sha256.is_none_or(|sha256| sha256 == job.wanted.sha256);
        urls.extend(files.iter().filter(is_ours).map(|listed| listed.url.clone()));
        if urls.is_empty() {
            let offered = files.iter().map(|listed| {
                format!("{} with sha256 {}", listed.file, listed.sha256.map(hex::encode).unwrap_or_default())
            });
            let offered: Vec<_> = offered.collect();
            return Err(Miss::Apt(format!("its source has other files: {}", offered.join(", "))));
        }
    }
    Ok(urls)
}
