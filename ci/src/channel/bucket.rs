//! A channel in a bucket of any service that speaks S3: `s3://bucket/prefix`.
//!
//! ```text
//! PREFIX/metadata/ targets/ blobs/   as in a folder
//! PREFIX/locks/                      who is at work: hold.rs
//! ```
//! What a folder has by rename and flock, a bucket has by conditional writes: `If-None-Match: *` makes a name once,
//! `If-Match` moves the pointer from what was read. A service that answers these without doing them loses publications.
//!
//! Credentials, endpoint and region are the environment's (`AWS_…`, as every tool of S3 reads them); they are in no argument
//! and no message. Files are read by signed URLs, so that they are fetched and resumed as from any site.
//! The one runtime that object_store wants is in this file and nowhere else.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use builder::fetch::{self, Miss, Network, Patience, Places, Site, Stream};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::signer::{Method, Signer};
use object_store::{BackoffConfig, MultipartUpload, RetryConfig, UpdateVersion};
use object_store::{ClientConfigKey, Error, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use tokio::runtime::Runtime;

use super::error::{ChannelError, Result, tried};
use super::hold::{self, Marks};
use super::place::Place;
use super::shelf::{Filed, Held, Shelf};

/// What is longer goes in parts of so much; of each, one is in memory. S3 takes 10,000.
const PART_BYTES: usize = 8 << 20;
/// Of files that are read whole: metadata and marks.
const WHOLE_MAX_BYTES: u64 = 8 << 20;
/// Of one request.
const REQUEST_MAX: &str = "120 seconds";
/// Of a request that only a holder may make: well within what its hold counts.
const HELD_REQUEST_SHARE: u32 = 3;
/// Of a signed URL: a pull that is resumed all day signs anew.
const LINK_LIFE: Duration = Duration::from_secs(6 * 3600);

pub struct Bucket {
    objects: Arc<Objects>,
    site: Site,
}

/// The bucket's requests, one by one.
pub(super) struct Objects {
    store: AmazonS3,
    runtime: Runtime,
    /// With a last `/`, or empty.
    prefix: String,
    name: String,
    pub(super) marks: Marks,
}

impl Bucket {
    /// `s3://bucket/prefix`; `environment` has what tools of S3 read, `AWS_…`. A hold of ours counts `hold` longer than we live.
    pub fn open(
        url: &str,
        environment: &BTreeMap<String, String>,
        places: &Places,
        hold: Duration,
    ) -> Result<Bucket> {
        let asked = |what: String| ChannelError::Asked(format!("{url}: {what}"));
        if places.network == Network::Offline {
            return Err(asked("`--offline` forbids to ask".into()));
        }
        let wanted = || asked("s3://BUCKET or s3://BUCKET/PREFIX is wanted".into());
        let (bucket, prefix) = split(url).ok_or_else(wanted)?;
        if !CREDENTIALS.iter().any(|name| environment.get(*name).is_some_and(|value| !value.is_empty())) {
            let what = format!("no credentials: the environment has none of {}", CREDENTIALS.join(", "));
            return Err(asked(what));
        }
        let store =
            client(bucket, environment, &places.patience).map_err(|error| asked(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(tried("start a runtime for", url))?;
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let name = url.trim_end_matches('/').to_string();
        let objects = Objects { store, runtime, prefix, name, marks: Marks::new(hold) };
        Ok(Bucket { objects: Arc::new(objects), site: Site::new(places) })
    }

    fn stream(&self, path: &str) -> Result<Option<Stream<'_>>> {
        match self.site.open(&self.objects.link(path)?) {
            Ok(stream) => Ok(Some(stream)),
            Err(Miss::Status(status)) if status.contains("404") => Ok(None),
            Err(miss) => Err(self.objects.unreachable(path, &miss)),
        }
    }
}

fn client(
    bucket: &str,
    environment: &BTreeMap<String, String>,
    patience: &Patience,
) -> object_store::Result<AmazonS3> {
    fetch::provide_tls();
    let given = environment.iter().filter(|(name, _)| name.starts_with("AWS_"));
    let settings = given.filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse().ok()?, value)));
    let mut builder = AmazonS3Builder::new();
    for (key, value) in settings {
        builder = builder.with_config(key, value);
    }
    // Who names an endpoint without TLS means it.
    let is_plain =
        ENDPOINTS.iter().any(|name| environment.get(*name).is_some_and(|value| value.starts_with("http://")));
    let backoff = BackoffConfig { init_backoff: patience.pause, max_backoff: patience.pause_max, base: 2.0 };
    let max_retries = patience.tries.saturating_sub(1) as usize;
    builder
        .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), REQUEST_MAX)
        .with_allow_http(is_plain)
        .with_retry(RetryConfig { backoff, max_retries, ..RetryConfig::default() })
        .with_bucket_name(bucket)
        .with_checksum_algorithm(Checksum::SHA256)
        .build()
}

const ENDPOINTS: [&str; 3] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];

/// Any of these says that there are some: keys, or who gives keys.
const CREDENTIALS: [&str; 4] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/// The bucket's name and the prefix, without slashes at its ends.
fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("s3://")?.trim_end_matches('/');
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let sound = |text: &str, more: &str| {
        text.bytes().all(|c| c.is_ascii_alphanumeric() || more.as_bytes().contains(&c))
    };
    let is_bucket = !bucket.is_empty() && sound(bucket, ".-");
    let is_prefix = |segment: &str| !["", ".", ".."].contains(&segment) && sound(segment, ".-_");
    (is_bucket && (prefix.is_empty() || prefix.split('/').all(is_prefix))).then_some((bucket, prefix))
}

impl Objects {
    fn key(&self, path: &str) -> object_store::path::Path {
        object_store::path::Path::from(format!("{}{path}", self.prefix))
    }

    fn unreachable(&self, path: &str, why: &dyn std::fmt::Display) -> ChannelError {
        ChannelError::Unreachable { place: format!("{}/{path}", self.name), why: why.to_string() }
    }

    fn failed(&self, path: &str, error: Error) -> ChannelError {
        match error {
            // Their own words repeat what was signed.
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
                self.unreachable(path, &"the service refuses what our credentials sign")
            }
            error => self.unreachable(path, &error),
        }
    }

    fn link(&self, path: &str) -> Result<String> {
        let key = self.key(path);
        let signed = self.store.signed_url(Method::GET, &key, LINK_LIFE);
        let url = self.runtime.block_on(signed).map_err(|error| self.failed(path, error))?;
        Ok(url.to_string())
    }

    pub(super) fn head(&self, path: &str) -> Result<Option<ObjectMeta>> {
        match self.runtime.block_on(self.store.head(&self.key(path))) {
            Ok(meta) => Ok(Some(meta)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(path, error)),
        }
    }

    /// A short file's bytes, and what tells this version of it.
    pub(super) fn read(&self, path: &str) -> Result<Option<(Vec<u8>, ObjectMeta)>> {
        let key = self.key(path);
        let read = async {
            let got = self.store.get(&key).await?;
            let meta = got.meta.clone();
            match meta.size > WHOLE_MAX_BYTES {
                true => Ok((Vec::new(), meta)),
                false => Ok((got.bytes().await?.to_vec(), meta)),
            }
        };
        match self.runtime.block_on(read) {
            Ok((_, meta)) if meta.size > WHOLE_MAX_BYTES => {
                Err(self.unreachable(path, &format!("it has {} bytes", meta.size)))
            }
            Ok(read) => Ok(Some(read)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(path, error)),
        }
    }

    /// `false`: what `mode` wants is not so.
    pub(super) fn write(&self, path: &str, bytes: &[u8], mode: PutMode) -> Result<bool> {
        let (key, options) = (self.key(path), PutOptions::from(mode));
        let put = self.store.put_opts(&key, bytes.to_vec().into(), options);
        match self.runtime.block_on(put) {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(self.failed(path, error)),
        }
    }

    /// In place of the version that `meta` is of; `false`: it is another by now.
    pub(super) fn replace(&self, path: &str, bytes: &[u8], meta: &ObjectMeta) -> Result<bool> {
        let update = |e_tag| PutMode::Update(UpdateVersion { e_tag, version: meta.version.clone() });
        if self.write(path, bytes, update(meta.e_tag.clone()))? {
            return Ok(true);
        }
        // Ceph's gateway, until its version 18 at least, answers ETags in quotes and compares them without.
        match &meta.e_tag {
            Some(e_tag) if self.head(path)?.is_some_and(|now| now.e_tag == meta.e_tag) => {
                self.write(path, bytes, update(Some(e_tag.trim_matches('"').to_string())))
            }
            _ => Ok(false),
        }
    }

    pub(super) fn delete(&self, path: &str) -> Result<()> {
        match self.runtime.block_on(self.store.delete(&self.key(path))) {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(path, error)),
        }
    }

    /// What only a holder may do, so soon that its hold counts when it is done.
    fn held<T>(&self, path: &str, make: impl FnOnce() -> Result<T>) -> Result<T> {
        self.marks.are_fresh(&self.name)?;
        let begun = std::time::Instant::now();
        let made = make()?;
        match self.marks.is_empty() || begun.elapsed() < self.marks.hold / HELD_REQUEST_SHARE {
            true => Ok(made),
            false => Err(self.unreachable(
                path,
                &"the answer took longer than a hold may: `channel verify` says how it stands",
            )),
        }
    }

    /// All below a folder.
    pub(super) fn below(&self, folder: &str) -> Result<Vec<ObjectMeta>> {
        let prefix = format!("{}{folder}", self.prefix);
        let (mut found, mut page_token) = (Vec::new(), None);
        loop {
            let options = PaginatedListOptions { page_token, ..PaginatedListOptions::default() };
            let page = self.runtime.block_on(self.store.list_paginated(Some(&prefix), options));
            let page = page.map_err(|error| self.failed(folder, error))?;
            found.extend(page.result.objects);
            page_token = page.page_token;
            if page_token.is_none() {
                return Ok(found);
            }
        }
    }

    pub(super) fn short<'a>(&self, meta: &'a ObjectMeta) -> &'a str {
        meta.location.as_ref().strip_prefix(self.prefix.as_str()).unwrap_or(meta.location.as_ref())
    }

    /// In parts: nobody sees it before the last.
    fn put_parts(&self, path: &str, first: Vec<u8>, from: &mut dyn Read) -> Result<()> {
        let failed = |error| self.failed(path, error);
        let key = self.key(path);
        let mut upload = self.runtime.block_on(self.store.put_multipart(&key)).map_err(failed)?;
        let sent = self.send(path, first, from, upload.as_mut());
        let ended = match sent {
            Ok(()) => self.runtime.block_on(upload.complete()).map(drop).map_err(failed),
            Err(error) => Err(error),
        };
        if ended.is_err() {
            // That it failed is said; what this leaves, the bucket's own rule for such uploads removes.
            self.runtime.block_on(upload.abort()).ok();
        }
        ended
    }

    fn send(
        &self,
        path: &str,
        first: Vec<u8>,
        from: &mut dyn Read,
        upload: &mut dyn MultipartUpload,
    ) -> Result<()> {
        let mut part = first;
        while !part.is_empty() {
            let sent = self.runtime.block_on(upload.put_part(part.into()));
            sent.map_err(|error| self.failed(path, error))?;
            part = piece(from).map_err(tried("read what becomes", path))?;
        }
        Ok(())
    }
}

/// As much as one part has, or what is left.
fn piece(from: &mut dyn Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(PART_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Place for Bucket {
    fn get(&self, path: &str, size_max_bytes: u64) -> Result<Option<Vec<u8>>> {
        let Some(stream) = self.stream(path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        match stream.take(size_max_bytes.saturating_add(1)).read_to_end(&mut bytes) {
            Ok(_) => Ok(Some(bytes)),
            Err(error) => Err(self.objects.unreachable(path, &error)),
        }
    }

    fn open(&self, path: &str) -> Result<Option<Box<dyn Read + Send + '_>>> {
        Ok(self.stream(path)?.map(|stream| Box::new(stream) as Box<dyn Read + Send>))
    }

    fn name(&self) -> String {
        self.objects.name.clone()
    }

    fn url(&self, path: &str) -> Option<String> {
        // Without a link nothing comes, and that is said of what was wanted.
        self.objects.link(path).ok()
    }

    fn folder(&self) -> Option<&std::path::Path> {
        None
    }
}

impl Shelf for Bucket {
    fn has(&self, path: &str, length: u64) -> Result<bool> {
        Ok(self.objects.head(path)?.is_some_and(|found| found.size == length))
    }

    fn put(&self, path: &str, from: &mut (dyn Read + Send)) -> Result<()> {
        let first = piece(from).map_err(tried("read what becomes", path))?;
        match first.len() < PART_BYTES {
            true => self.objects.write(path, &first, PutMode::Overwrite).map(drop),
            false => self.objects.put_parts(path, first, from),
        }
    }

    fn create_new(&self, path: &str, bytes: &[u8]) -> Result<bool> {
        if self.objects.write(path, bytes, PutMode::Create)? {
            return Ok(true);
        }
        // Ours too, where an answer was lost and we asked again.
        Ok(self.objects.read(path)?.is_some_and(|(found, _)| found == bytes))
    }

    fn swap(&self, path: &str, old: Option<&[u8]>, new: &[u8]) -> Result<bool> {
        let found = self.objects.read(path)?;
        if found.as_ref().map(|(bytes, _)| bytes.as_slice()) != old {
            return Ok(false);
        }
        let put = || match &found {
            None => self.objects.write(path, new, PutMode::Create),
            Some((_, meta)) => self.objects.replace(path, new, meta),
        };
        if self.objects.held(path, put)? {
            return Ok(true);
        }
        Ok(self.objects.read(path)?.is_some_and(|(found, _)| found == new))
    }

    fn remove(&self, path: &str) -> Result<()> {
        self.objects.held(path, || self.objects.delete(path))
    }

    fn list(&self) -> Result<Vec<Filed>> {
        let now_s = hold::server_now_s(&self.objects)?;
        let mut files = Vec::new();
        for folder in ["metadata/", "targets/", "blobs/"] {
            files.extend(self.objects.below(folder)?.iter().map(|meta| Filed {
                path: self.objects.short(meta).to_string(),
                size: meta.size,
                age_s: now_s.saturating_sub(meta.last_modified.timestamp().max(0) as u64),
            }));
        }
        files.sort();
        Ok(files)
    }

    fn share(&self) -> Result<Held> {
        hold::share(&self.objects)
    }

    fn alone(&self) -> Result<Held> {
        hold::alone(&self.objects)
    }

    /// Uploads that were cut are no files: a rule of the bucket's (`AbortIncompleteMultipartUpload`) removes them.
    fn sweep(&self) -> Result<()> {
        Ok(())
    }
}
