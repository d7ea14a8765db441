//! What a service may: be its user, hold the capabilities that the role names, and nothing else.

use std::io;

use rustix::fs::Mode;
use rustix::process::umask;
use rustix::thread::{
    CapabilitySet, CapabilitySets, configure_capability_in_ambient_set, remove_capability_from_bounding_set,
    set_capabilities, set_keep_capabilities, set_no_new_privs, set_thread_groups, set_thread_res_gid,
    set_thread_res_uid,
};

use crate::passwd::User;

/// From names such as `net_bind_service`. The error is the word that is none.
pub fn capabilities(names: &[String]) -> Result<CapabilitySet, String> {
    let one = |name: &String| CapabilitySet::from_name(&name.to_uppercase()).ok_or_else(|| name.clone());
    names.iter().try_fold(CapabilitySet::empty(), |all, name| Ok(all | one(name)?))
}

/// In the child, before exec: system calls only. Order matters: the bounding set needs the capabilities that the change
/// of user takes, and ambient ones need their inheritable twin.
pub fn apply(user: User, keep: CapabilitySet) -> io::Result<()> {
    umask(Mode::from_raw_mode(0o022));
    for capability in CapabilitySet::all().difference(keep).iter() {
        drop_bound(capability)?;
    }
    set_keep_capabilities(true)?;
    set_thread_groups(&[])?;
    let gid = rustix::fs::Gid::from_raw(user.gid);
    set_thread_res_gid(gid, gid, gid)?;
    let uid = rustix::fs::Uid::from_raw(user.uid);
    set_thread_res_uid(uid, uid, uid)?;
    set_capabilities(None, CapabilitySets { effective: keep, permitted: keep, inheritable: keep })?;
    for capability in keep.iter() {
        configure_capability_in_ambient_set(capability, true)?;
    }
    set_no_new_privs(true)?;
    Ok(())
}

/// A capability that this kernel does not know cannot be held.
fn drop_bound(capability: CapabilitySet) -> io::Result<()> {
    match remove_capability_from_bounding_set(capability) {
        Ok(()) | Err(rustix::io::Errno::INVAL) => Ok(()),
        Err(cause) => Err(cause.into()),
    }
}
