//! Archives that are not what they say.

use std::io::Write;

use super::*;

fn said(name: &str, bytes: &[u8]) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    match look(file.path(), name, &|_| 1 << 10) {
        Ok(archive) => format!("{archive:?}"),
        Err(error) => error.to_string(),
    }
}

fn tar(paths: &[&str]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for path in paths {
        let mut header = tar::Header::new_ustar();
        // By the bytes: the crate itself refuses to write a path that climbs.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(2);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, &b"hi"[..]).unwrap();
    }
    tar.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn what_is_no_archive_is_called_by_its_name() {
    let zeros = vec![0; 100 << 20];
    assert_eq!(said("x.tar.gz", &zeros), "only zeros and no archive");
    assert_eq!(said("x.tar.gz", b""), "an empty file");
    assert_eq!(said("x.tar.gz", b"<!DOCTYPE html><html>"), "an HTML page and no archive");
    assert_eq!(
        said("x.tar.gz", b"PK\x03\x04"),
        "a zip archive: builds unpack tar archives; upstream usually has one"
    );
    assert_eq!(said("x.tar.xz", &gzip(&tar(&["a/b"]))), "its name says xz, it is gzip");
    assert_eq!(said("x.tar.gz", &gzip(&zeros)), "the archive holds nothing");
    assert!(said("x.tar.gz", &gzip(&tar(&["a/b"]))[..30]).starts_with("the archive is broken"));
}

#[test]
fn a_path_that_climbs_is_refused() {
    for path in ["a/../../etc/passwd", "/etc/passwd", "../x"] {
        assert!(
            said("x.tar", &tar(&["a/b", path])).ends_with("climbs out of the folder that it is unpacked in"),
            "{path}"
        );
    }
}

#[test]
fn a_bomb_is_an_error_and_no_end() {
    let mut header = tar::Header::new_ustar();
    header.set_path("bomb/zeros").unwrap();
    header.set_size(6 << 30);
    header.set_cksum();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(header.as_bytes()).unwrap();
    let zeros = vec![0; 1 << 20];
    // One member of 64 MiB, written again and again: gzip's members follow one another.
    let member = gzip(&zeros.repeat(64));
    let mut bytes = packed.finish().unwrap();
    (0..96).for_each(|_| bytes.extend_from_slice(&member));
    assert_eq!(said("x.tar.gz", &bytes), "it unpacks to more than 4 GiB: no source is like that");
}

#[test]
fn the_first_folder_is_left_out_where_all_share_it() {
    let archive = |paths: &[&str]| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&tar(paths)).unwrap();
        let archive = look(file.path(), "x.tar", &|_| 1).unwrap();
        (archive.strip, archive.names.into_iter().collect::<Vec<_>>(), archive.files.len())
    };
    assert_eq!(archive(&["a/b", "./a/c/d"]), (1, vec!["b".into(), "c/d".into()], 2));
    assert_eq!(archive(&["a/b", "c"]), (0, vec!["a/b".into(), "c".into()], 2));
}
