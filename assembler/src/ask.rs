//! Asking: what of a role concerns its image. Options, limits and checks do not.

use crate::compose::{Asked, Config, Program};
use crate::role::{self, Role};
use crate::user::Login;

impl From<&Role> for Asked {
    fn from(role: &Role) -> Asked {
        let configs = role.configs.iter().map(|(path, config)| Config {
            path: path.clone(),
            template: config.template.clone(),
            text: config.template_text.clone(),
        });
        Asked {
            role: role.name.clone(),
            text: role.text.content.to_string(),
            kegs: role.kegs.iter().map(|keg| called(keg)).collect(),
            programs: role.programs().into_iter().map(|(name, by)| Program { name, by }).collect(),
            configs: configs.collect(),
            files: role.files.iter().map(|glob| glob.value.clone()).collect(),
            users: role.users().into_iter().map(str::to_string).collect(),
            logins: role.logins.iter().map(|(name, user)| (name.clone(), login(user))).collect(),
            prefer: role.prefer.clone(),
            runtime: role.runtime.iter().map(|set| set.value.clone()).collect(),
        }
    }
}

fn login(user: &role::User) -> Login {
    let mut login = Login::default();
    if let Some(shell) = &user.shell {
        login.shell = format!("/bin/{shell}");
    }
    if let Some(home) = &user.home {
        login.home.clone_from(home);
    }
    login
}

fn called(keg: &role::Asked) -> String {
    keg.slot.as_ref().map_or_else(|| keg.name.clone(), |slot| format!("{}@{slot}", keg.name))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use expect_test::expect;

    use super::*;
    use crate::closure::keg::Keg;
    use crate::compose::compose;
    use crate::support::Place;

    const ROLE: &str = r#"
summary = "a machine"
kegs = ["nginx", "openssl@3"]
runtime = ["openssl/legacy"]
files = ["/kegs/nginx/0/share/mime.types"]

[prefer]
"bin/openssl" = "openssl@3"

[service.nginx]
run = ["nginx", "-g", "daemon off;"]
check = ["openssl", "version"]
user = "web"

[config."/run/etc/nginx.conf"]
template = "nginx.conf"
"#;

    #[test]
    fn a_role_becomes_an_image() {
        let place = Place::new();
        fs::create_dir_all(place.path("roles/t")).unwrap();
        fs::write(place.path("roles/t.toml"), ROLE).unwrap();
        fs::write(place.path("roles/t/nginx.conf"), "listen {{ port }};\n").unwrap();
        let role = role::load(place.temp.path(), "t").unwrap_or_else(|faults| panic!("{faults}"));
        let keg = |name: &str, slot: &str, paths: &[&str]| {
            let mut keg = Keg { name: name.into(), slot: slot.into(), ..Keg::default() };
            for path in paths {
                keg.tree.insert(*path, place.program(path.as_bytes()));
            }
            keg
        };
        let mut kegs = [
            keg("nginx", "0", &["bin/nginx", "bin/openssl", "share/mime.types"]),
            keg("openssl", "3", &["bin/openssl", "lib/legacy.so"]),
        ];
        kegs[1].runtime.set.entry("legacy".into()).or_default().files.push("lib/*.so".into());
        let tree = compose(&Asked::from(&role), &kegs, &place.content, b"agent")
            .unwrap_or_else(|error| panic!("{error}"));
        let own =
            tree.iter().filter(|(_, node)| !node.is_folder() && node.reason.by != crate::tree::By::Image);
        let own: String = own.map(|(path, node)| format!("/{path} # {}\n", node.reason)).collect();
        expect![[r#"
            /bin/nginx # role: service nginx runs nginx
            /bin/openssl # role: check of nginx runs openssl
            /etc/rootbrew/templates/nginx.conf # role: config /run/etc/nginx.conf is rendered from it
            /kegs/nginx/0/bin/nginx # /bin/nginx: points to it
            /kegs/nginx/0/share/mime.types # role: files names /kegs/nginx/0/share/mime.types
            /kegs/openssl/3/bin/openssl # /bin/openssl: points to it
            /kegs/openssl/3/lib/legacy.so # role: asks for openssl/legacy, [runtime] of openssl names lib/*.so
        "#]]
        .assert_eq(&own);
        let role_text = tree.get("/etc/rootbrew/role.toml").unwrap();
        assert_eq!(role_text.size_bytes(), ROLE.len() as u64);
    }
}
