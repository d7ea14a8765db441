//! A volume that holds an environment: a disk with the serial `rootbrew-env`, or a partition with that label.
//!
//! ```text
//! # rootbrew-env <length>\n<length bytes of TOML>          the plainest form: no file system, one pipe makes it
//! erofs with /environment.toml                             as tools make it
//! ```
//! `{ printf '# rootbrew-env %d\n' $(stat -c %s FILE); cat FILE; } > /dev/vdb`

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::disk;
use host::environment::SIZE_MAX_BYTES;
use host::error::{Error, Result};

const LABEL: &str = "rootbrew-env";
const MARK: &str = "# rootbrew-env ";
/// With the longest length that is one.
const HEAD_MAX_BYTES: usize = MARK.len() + 20;
/// EROFS_SUPER_MAGIC_V1 at 1024
const EROFS: [u8; 4] = 0xE0F5_E1E2u32.to_le_bytes();
const MOUNTED_AT: &str = "/run/rootbrew/volume";

/// `None` when there is no such volume.
pub fn read() -> Result<Option<Vec<u8>>> {
    let Some(device) = disk::find(LABEL) else { return Ok(None) };
    let tried = || Error::world(format!("read {}", device.display()));
    let mut bytes = Vec::new();
    let limit = SIZE_MAX_BYTES + HEAD_MAX_BYTES as u64;
    File::open(&device).map_err(tried())?.take(limit).read_to_end(&mut bytes).map_err(tried())?;
    if bytes.get(1024..1028) == Some(&EROFS) {
        return from_erofs(&device).map(Some);
    }
    let fault = |what| Error::input(format!("volume: {}: {what}", device.display()));
    plain(&bytes).map(|text| Some(text.to_vec())).map_err(fault)
}

fn plain(bytes: &[u8]) -> std::result::Result<&[u8], &'static str> {
    let none = "neither begins with `# rootbrew-env LENGTH` nor is an erofs";
    let rest = bytes.strip_prefix(MARK.as_bytes()).ok_or(none)?;
    let digits = rest.iter().take(20).position(|&byte| byte == b'\n').ok_or(none)?;
    let length = std::str::from_utf8(&rest[..digits]).ok().and_then(|text| text.parse::<u64>().ok());
    let length = length.ok_or(none)?;
    if length > SIZE_MAX_BYTES {
        return Err("its environment is larger than 1048576 bytes");
    }
    rest.get(digits + 1..digits + 1 + length as usize).ok_or("it is shorter than it says")
}

fn from_erofs(device: &Path) -> Result<Vec<u8>> {
    let place = || format!("{} at {MOUNTED_AT}", device.display());
    fs::create_dir_all(MOUNTED_AT).map_err(Error::world(format!("make {MOUNTED_AT}")))?;
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount(device, MOUNTED_AT, "erofs", flags, c"").map_err(Error::world(format!("mount {}", place())))?;
    let read = super::read(&format!("{MOUNTED_AT}/environment.toml"));
    let gone = unmount(MOUNTED_AT, UnmountFlags::DETACH);
    gone.map_err(Error::world(format!("unmount {}", place())))?;
    read?.ok_or_else(|| Error::input(format!("volume: {} has no /environment.toml", device.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_form() {
        assert_eq!(plain(b"# rootbrew-env 3\na=1\0\0\0"), Ok(&b"a=1"[..]));
        assert_eq!(plain(b"# rootbrew-env 0\n"), Ok(&b""[..]));
        assert_eq!(plain(b"# rootbrew-env 9\na=1"), Err("it is shorter than it says"));
        assert!(plain(b"# rootbrew-env 100000000\n").unwrap_err().contains("larger"));
        for text in ["", "# rootbrew-env", "# rootbrew-env \n", "# rootbrew-env -1\n", "# rootbrew-env 3 a=1"]
        {
            assert!(plain(text.as_bytes()).unwrap_err().starts_with("neither"), "{text}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        crate::chance::rounds(11, 100_000, |chance| {
            plain(&chance.change(b"# rootbrew-env 12\nhost = 'abc'\n", 0)).map(<[u8]>::len).unwrap_or(0);
        });
    }
}
