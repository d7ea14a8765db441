//! The root that a command sees, mounted by init.
//!
//! ```text
//! /                tmpfs, read-only when done          /etc   passwd group hosts, of the face
//! /<bind>          declared, read-only                 /dev   null zero full random urandom tty, own pts, shm
//! /build           tmpfs or the caller's folder        /proc  own, read-only, what tells of the machine replaced
//! /tmp             tmpfs, limited                      /run/jobserver   the caller's fifo
//! ```
//! Everything outside is opened before the root is entered, everything inside is made after: so no path of the inside
//! is ever followed outside, and no mount hides a source. Nothing of the host stays reachable.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, fsconfig_create,
    fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

use super::cause;
use super::message::Failure;
use super::proc;
use super::setup::{Abilities, Bind, Build, Order, Setup, UserKind};
use super::stage::{self, Source};
use super::sys::{self, MountAttr, NODEV, NOEXEC, NOSUID, RDONLY};

const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// /tmp and /dev/shm: a quarter of the memory each, as little of a build lies there.
const TMP_PART: u64 = 4;

/// All that is taken from outside, detached.
struct Outside {
    root: OwnedFd,
    binds: Vec<(OwnedFd, String)>,
    jobserver: Option<OwnedFd>,
    devices: Vec<(OwnedFd, String)>,
    build: OwnedFd,
    tmp: OwnedFd,
    shm: OwnedFd,
    pts: OwnedFd,
    proc: OwnedFd,
    sources: Vec<(Source, String, u32)>,
}

/// Makes the root and stands in it. The fd of `/build` (`O_PATH`).
pub fn make(setup: &Setup, abilities: &mut Abilities) -> Result<OwnedFd, Failure> {
    let outside = take(setup, abilities)?;
    enter(&outside.root).map_err(|error| cause::refused("enter the sandbox's root", &error))?;
    furnish(setup, outside)?;
    rustix::fs::open("/build", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| cause::refused("open /build", &error.into()))
}

fn take(setup: &Setup, abilities: &mut Abilities) -> Result<Outside, Failure> {
    let refuse = |what: &'static str| move |error: io::Error| cause::refused(what, &error);
    let owner = owner(setup, abilities.user);
    let memory = |bytes: u64, mode: &str| memory(bytes, mode, &owner);
    let small = setup.limits.memory_bytes / TMP_PART;
    let (proc, kind) = proc::take().map_err(refuse("mount /proc"))?;
    abilities.proc = kind;
    Ok(Outside {
        // 64 MiB: only folders, links and a few small files lie in it.
        root: memory(64 << 20, "0755").map_err(refuse("mount the root"))?,
        binds: setup.binds.iter().map(take_bind).collect::<Result<_, _>>()?,
        jobserver: setup.jobserver.as_deref().map(take_jobserver).transpose()?,
        devices: DEVICES.iter().map(|name| take_device(name)).collect::<Result<_, _>>()?,
        build: take_build(setup, abilities.user)
            .map_err(|error| Failure::Setup(format!("/build: {error}")))?,
        tmp: memory(small, "1777").map_err(refuse("mount /tmp"))?,
        shm: memory(small, "1777").map_err(refuse("mount /dev/shm"))?,
        pts: mount(
            "devpts",
            &[("newinstance", ""), ("ptmxmode", "0666"), ("mode", "0620")],
            MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC,
        )
        .map_err(refuse("mount /dev/pts"))?,
        proc,
        sources: stage::open(setup)?,
    })
}

/// Ids that a tmpfs gets where no user namespace makes us that user.
fn owner(setup: &Setup, user: UserKind) -> Vec<(&'static str, String)> {
    match user {
        UserKind::Namespace => vec![],
        UserKind::Host => vec![("uid", setup.face.uid.to_string()), ("gid", setup.face.gid.to_string())],
    }
}

fn memory(bytes: u64, mode: &str, owner: &[(&'static str, String)]) -> io::Result<OwnedFd> {
    // One inode a page, and enough for many small files in a small one.
    let inodes = (bytes / 4096).max(1 << 16).to_string();
    let size = bytes.to_string();
    let mut options = vec![("size", size.as_str()), ("nr_inodes", &inodes), ("mode", mode)];
    options.extend(owner.iter().map(|(key, value)| (*key, value.as_str())));
    mount("tmpfs", &options, MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV)
}

/// A new, detached mount. An option with an empty value is a flag.
pub fn mount(kind: &str, options: &[(&str, &str)], attributes: MountAttrFlags) -> io::Result<OwnedFd> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for &(key, value) in options {
        match value {
            "" => rustix::mount::fsconfig_set_flag(&context, key)?,
            value => fsconfig_set_string(&context, key, value)?,
        }
    }
    fsconfig_create(&context)?;
    Ok(fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

/// A detached copy of what is mounted at a path, with all below it, writable where that is.
fn clone(path: &Path) -> io::Result<OwnedFd> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    Ok(open_tree(CWD, path, flags)?)
}

/// The same with attributes of its own.
pub fn copy(path: &Path, attributes: u64) -> io::Result<OwnedFd> {
    let tree = clone(path)?;
    sys::mount_setattr(tree.as_fd(), &MountAttr { set: attributes, clear: 0, propagation: 0, userns_fd: 0 })?;
    Ok(tree)
}

fn take_bind(bind: &Bind) -> Result<(OwnedFd, String), Failure> {
    let told = |error| Failure::Setup(format!("bind {} at {}: {error}", bind.from.display(), bind.to));
    Ok((clone(&bind.from).map_err(told)?, bind.to.clone()))
}

/// Read-only too: a fifo is written all the same.
fn take_jobserver(path: &Path) -> Result<OwnedFd, Failure> {
    copy(path, RDONLY | NOSUID | NODEV)
        .map_err(|error| Failure::Setup(format!("bind {} at /run/jobserver: {error}", path.display())))
}

/// Read-only too: the device is written all the same, its mode and owner are not.
fn take_device(name: &str) -> Result<(OwnedFd, String), Failure> {
    let path = format!("/dev/{name}");
    let device = copy(Path::new(&path), RDONLY | NOSUID | NOEXEC);
    Ok((device.map_err(|error| cause::refused(&format!("bind {path}"), &error))?, path))
}

fn take_build(setup: &Setup, user: UserKind) -> io::Result<OwnedFd> {
    let owner = owner(setup, user);
    match &setup.build {
        Build::Memory => memory(setup.limits.output_bytes, "0755", &owner),
        Build::Folder(folder) => {
            if user == UserKind::Host {
                std::os::unix::fs::chown(folder, Some(setup.face.uid), Some(setup.face.gid))?;
            }
            copy(folder, NOSUID | NODEV)
        }
    }
}

/// Makes `root` the root and lets go of the old one.
fn enter(root: &OwnedFd) -> io::Result<()> {
    // Any folder will do to stand on for a moment; this one is needed everywhere.
    attach(root, "/proc")?;
    rustix::process::fchdir(root)?;
    // With both the same, the old root lies on the new one, and is taken off it (pivot_root(2)).
    rustix::process::pivot_root(".", ".")?;
    rustix::mount::unmount(".", UnmountFlags::DETACH)?;
    rustix::process::chdir("/")?;
    Ok(())
}

fn furnish(setup: &Setup, outside: Outside) -> Result<(), Failure> {
    let inside = |what: &'static str| move |error: io::Error| cause::refused(what, &error);
    make_etc(setup).map_err(inside("write /etc"))?;
    for link in &setup.links {
        let made = parent(&link.path).and_then(|()| Ok(rustix::fs::symlink(&*link.target, &*link.path)?));
        made.map_err(|error| Failure::Setup(format!("link {} to {}: {error}", link.path, link.target)))?;
    }
    attach_binds(setup, &outside.binds)?;
    for (tree, to) in [(&outside.build, "/build"), (&outside.tmp, "/tmp"), (&outside.proc, "/proc")] {
        place(tree, to).map_err(|error| cause::refused(&format!("mount {to}"), &error))?;
    }
    make_dev(&outside).map_err(inside("make /dev"))?;
    if let Some(fifo) = &outside.jobserver {
        place(fifo, "/run/jobserver").map_err(inside("bind the jobserver"))?;
    }
    proc::disguise().map_err(inside("cover /proc"))?;
    stage::write(outside.sources)?;
    let read_only = MountAttr { set: RDONLY, clear: 0, propagation: 0, userns_fd: 0 };
    let root = rustix::fs::open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let done =
        root.map_err(io::Error::from).and_then(|root| sys::mount_setattr_one(root.as_fd(), &read_only));
    done.map_err(inside("make the root read-only"))
}

/// First every place, then every tree, then all read-only at once: no place is ever made inside a tree, which is still
/// writable for that moment, and one call costs less than one a bind (200 of them: 1 ms).
fn attach_binds(setup: &Setup, binds: &[(OwnedFd, String)]) -> Result<(), Failure> {
    let told = |to: &str| {
        let to = to.to_string();
        move |error: io::Error| Failure::Setup(format!("bind at {to}: {error}"))
    };
    let mut parents = HashSet::new();
    let mut make = |(tree, to): &'_ (OwnedFd, String)| {
        // Asked for once a folder: to be told by the kernel that it is not there costs as much as making it.
        if parents.insert(Path::new(to).parent().map(Path::to_path_buf)) {
            parent(to).map_err(told(to))?;
        }
        make_place(tree, to).map_err(told(to))
    };
    match setup.face.order {
        Order::Sorted => binds.iter().try_for_each(&mut make)?,
        Order::Reversed => binds.iter().rev().try_for_each(&mut make)?,
    }
    for (tree, to) in binds {
        attach(tree, to).map_err(told(to))?;
    }
    let closed = MountAttr { set: RDONLY | NOSUID | NODEV, clear: 0, propagation: 0, userns_fd: 0 };
    // The root itself is still being furnished.
    let open = MountAttr { set: 0, clear: RDONLY, propagation: 0, userns_fd: 0 };
    let root = rustix::fs::open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map_err(io::Error::from);
    let done = root.and_then(|root| {
        sys::mount_setattr(root.as_fd(), &closed)?;
        sys::mount_setattr_one(root.as_fd(), &open)
    });
    done.map_err(|error| cause::refused("make the binds read-only", &error))
}

fn make_dev(outside: &Outside) -> io::Result<()> {
    for (device, to) in &outside.devices {
        place(device, to)?;
    }
    place(&outside.pts, "/dev/pts")?;
    place(&outside.shm, "/dev/shm")?;
    let links = [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "fd/0"),
        ("stdout", "fd/1"),
        ("stderr", "fd/2"),
    ];
    links.iter().try_for_each(|(name, target)| Ok(rustix::fs::symlink(*target, format!("/dev/{name}"))?))
}

fn make_etc(setup: &Setup) -> io::Result<()> {
    let face = &setup.face;
    let (user, uid, gid) = (&face.user, face.uid, face.gid);
    std::fs::create_dir("/etc")?;
    std::fs::write("/etc/passwd", format!("root:x:0:0::/:/bin/sh\n{user}:x:{uid}:{gid}::/build:/bin/sh\n"))?;
    std::fs::write("/etc/group", format!("root:x:0:\n{user}:x:{gid}:\n"))?;
    std::fs::write("/etc/hosts", format!("127.0.0.1 localhost {}\n::1 localhost\n", face.hostname))
}

/// Attaches at a path that is made if it is not there.
fn place(tree: &OwnedFd, to: &str) -> io::Result<()> {
    make_place(tree, to)?;
    attach(tree, to)
}

/// A folder for a folder, an empty file for anything else.
fn make_place(tree: &OwnedFd, to: &str) -> io::Result<()> {
    let is_folder = FileType::from_raw_mode(rustix::fs::fstat(tree)?.st_mode) == FileType::Directory;
    let make = || match is_folder {
        true => rustix::fs::mkdir(to, Mode::from_raw_mode(0o755)),
        false => rustix::fs::mknodat(CWD, to, FileType::RegularFile, Mode::from_raw_mode(0o644), 0),
    };
    match make() {
        Err(rustix::io::Errno::NOENT) => parent(to).and_then(|()| Ok(make()?)),
        Err(rustix::io::Errno::EXIST) | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn parent(path: &str) -> io::Result<()> {
    Path::new(path).parent().map_or(Ok(()), std::fs::create_dir_all)
}

pub fn attach(tree: &OwnedFd, to: &str) -> io::Result<()> {
    Ok(move_mount(tree, "", CWD, to, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?)
}
