//! Sockets that the agent binds and a service takes over (`LISTEN_FDS`): they outlive it, so nobody is refused meanwhile.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::{fs, io};

use rustix::net::sockopt::{set_ipv6_v6only, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};

use crate::passwd::User;
use host::error::{Error, Result};
use host::listen::Listen;

/// What the kernel allows at most by default (somaxconn): a restart's worth of clients.
const BACKLOG: i32 = 4096;

/// All of them, in the role's order.
pub fn all(wanted: &[Listen], user: User) -> Result<Vec<OwnedFd>> {
    wanted.iter().map(|one| open(one, user).map_err(Error::world(format!("listen at {one}")))).collect()
}

fn open(wanted: &Listen, user: User) -> io::Result<OwnedFd> {
    match wanted {
        Listen::Tcp(address, port) => {
            let socket = internet(SocketType::STREAM, *address, *port)?;
            listen(&socket, BACKLOG)?;
            Ok(socket)
        }
        Listen::Udp(address, port) => internet(SocketType::DGRAM, *address, *port),
        Listen::Unix(path) => unix(path, user),
    }
}

/// No address: every one, of both protocols; of IPv4 alone where the kernel has no other.
fn internet(kind: SocketType, address: Option<IpAddr>, port: u16) -> io::Result<OwnedFd> {
    match address {
        Some(address) => bound(kind, SocketAddr::from((address, port))),
        None => bound(kind, SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))).or_else(|cause| {
            match cause.raw_os_error() {
                Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL) => {
                    bound(kind, SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))
                }
                _ => Err(cause),
            }
        }),
    }
}

fn bound(kind: SocketType, address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    // Connections of a life before may linger.
    set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        set_ipv6_v6only(&socket, !address.ip().is_unspecified())?;
    }
    bind(&socket, &address)?;
    Ok(socket)
}

/// Anyone of the machine may connect; who is let in is the service's affair.
fn unix(path: &str, user: User) -> io::Result<OwnedFd> {
    if let Some(folder) = std::path::Path::new(path).parent() {
        fs::create_dir_all(folder)?;
    }
    // Of an agent before, on a disk; anything but a socket is somebody's, and stays.
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        fs::remove_file(path)?;
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}
