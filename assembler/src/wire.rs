//! The wire: an image as it is published, one zstd frame.

use std::io::{self, Read, Write};

/// Level and window of what is published: 2^27 bytes is the most that a decoder takes unasked.
const ZSTD_LEVEL: i32 = 19;
const ZSTD_WINDOW_LOG: u32 = 27;

/// Packs an image of `size_bytes`. One thread, so that the same bytes give the same bytes; 0.64 cpu-seconds a MB, so the
/// answer is kept.
///
/// # Errors
/// The reader's and the writer's, and a length that is another.
pub fn pack<W: Write>(mut image: impl Read, size_bytes: u64, to: W) -> io::Result<W> {
    let mut encoder = zstd::Encoder::new(to, ZSTD_LEVEL)?;
    // Tables as large as the image, and not as the window: 128 MB less to clear.
    encoder.set_pledged_src_size(Some(size_bytes))?;
    encoder.long_distance_matching(true)?;
    encoder.window_log(ZSTD_WINDOW_LOG)?;
    encoder.include_checksum(false)?;
    io::copy(&mut image, &mut encoder)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_unpacks_to_what_it_was() {
        let image: Vec<u8> = (0..1 << 18).map(|at: u32| (at % 251) as u8).collect();
        let packed = pack(image.as_slice(), image.len() as u64, Vec::new()).unwrap();
        assert!(packed.len() < 2000, "{}", packed.len());
        assert_eq!(zstd::decode_all(packed.as_slice()).unwrap(), image);
        pack(image.as_slice(), 7, Vec::new()).unwrap_err();
    }
}
