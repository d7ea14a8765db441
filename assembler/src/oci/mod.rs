//! OCI: a role's service as a container image, in the layout that registries and engines read, and as `docker load`'s
//! archive.
//!
//! ```text
//! tree + role ──container──▶ tree without kernel, PID 1 and what those read; configuration rendered from defaults
//!             ──layers─────▶ one tar, or one a keg, compressed
//!             ──layout─────▶ oci-layout  index.json  blobs/sha256/<manifest, config, layers>
//!             ──archive────▶ the same as one tar, with docker's manifest.json
//! ```
//! A container is one program: the agent is no PID 1 there, and the engine does what it does on a machine (network, limits,
//! restart). What the environment must give (a certificate, a password) is not made up: such a file is mounted by who
//! starts the container, and [`Rendered::mounts`] says which.

mod archive;
mod container;
mod layers;
mod layout;
mod render;
#[cfg(test)]
mod tests;

pub use archive::write_archive;
pub use container::{Container, ContainerError, container};
pub use layers::{Compression, Layers};
pub use layout::{Image, write_layout};
pub use render::{Mount, Rendered};
