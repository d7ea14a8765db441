//! Formats: an image tree as the bytes that somebody's tool reads. Nothing is mounted, nobody is root, no clock is asked:
//! the same tree gives the same bytes everywhere.
//!
//! | format | written by | judged by |
//! |---|---|---|
//! | erofs | [`crate::write_erofs`] | `fsck.erofs`, the kernel |
//! | squashfs | [`write_squashfs`], the crate `backhand` | `unsquashfs` |
//! | tar | [`write_tar`] | `tar` |
//! | cpio | [`write_cpio`] | `cpio`, the kernel |
//! | folder | [`write_folder`] | `stat` |
//! | erofs compressed, ext4 | a keg's tool, told by an [`Order`], out of the tar | `fsck.erofs`, `e2fsck`, `debugfs` |
//!
//! What a tool is told stands here; who runs it, and where, does not.

pub mod cpio;
pub mod folder;
pub mod order;
pub mod squashfs;
pub mod tar;
#[cfg(test)]
mod tests;

pub use cpio::write_cpio;
pub use folder::write_folder;
pub use order::Order;
pub use squashfs::write_squashfs;
pub use tar::write_tar;
