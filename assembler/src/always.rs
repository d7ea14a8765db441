//! What every image holds, whatever its role: PID 1, the role's text, names of users and hosts, places to mount on.

use crate::compose::{Asked, Problem};
use crate::tree::{ImageTree, Node, Reason};
use crate::user;

const HOSTS: &str = "127.0.0.1 localhost\n::1 localhost\n";

/// No date and no version: they would change an image of which nothing else changed.
const OS_RELEASE: &str = "ID=rootbrew\nNAME=rootbrew\nPRETTY_NAME=rootbrew\n";

/// Folders that something is mounted on, with the mode until then.
const MOUNT_POINTS: [(&str, u16); 6] =
    [("data", 0o755), ("dev", 0o755), ("proc", 0o555), ("run", 0o755), ("sys", 0o555), ("tmp", 0o1777)];

/// Puts them into a tree that holds nothing of it yet but what the role asked to stand there.
pub fn place(asked: &Asked, agent: &[u8], tree: &mut ImageTree, problems: &mut Vec<Problem>) {
    let mut put = |path: &str, node: Node| {
        if let Err(refused) = tree.insert(path, node) {
            problems.push(Problem::Refused { why: refused.to_string() });
        }
    };
    for (path, mode) in MOUNT_POINTS {
        put(path, Node::folder(mode, Reason::image("mounted on at boot")));
    }
    put("sbin/init", Node::inline(agent, 0o755, Reason::image("the agent, PID 1")));
    put("bin/rootbrewctl", Node::link("/sbin/init", Reason::image("the agent's other face, which asks it")));
    put("etc/hosts", Node::inline(HOSTS, 0o644, Reason::image("localhost has an address")));
    put("etc/os-release", Node::inline(OS_RELEASE, 0o644, Reason::image("says what this is")));
    put("etc/resolv.conf", Node::link("/run/etc/resolv.conf", Reason::image("the agent writes it")));
    put(
        "etc/passwd",
        Node::inline(
            user::passwd(&asked.users, &asked.logins),
            0o644,
            Reason::image("root and the services' users"),
        ),
    );
    if let Some(shells) = user::shells(&asked.logins) {
        put("etc/shells", Node::inline(shells, 0o644, Reason::image("who has one of these may log in")));
    }
    put(
        "etc/group",
        Node::inline(user::group(&asked.users), 0o644, Reason::image("root and the services' users")),
    );
    put(
        "etc/rootbrew/role.toml",
        Node::inline(&asked.text, 0o644, Reason::image("the agent reads the role")),
    );
    for config in &asked.configs {
        let why = Reason::role(format!("config {} is rendered from it", config.path));
        put(&format!("etc/rootbrew/templates/{}", config.template), Node::inline(&config.text, 0o644, why));
    }
}
