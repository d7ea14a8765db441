use super::*;
use std::os::unix::fs::MetadataExt;

/// Renders `template` to a file of a real folder; gives the file's text or the faults.
fn check(template: &str, keys: &str, before: Option<&str>) -> std::result::Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("etc/out.conf");
    fs::write(folder.path().join("t"), template).unwrap();
    if let Some(text) = before {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let me = rustix::process::geteuid().as_raw();
    let users = format!("me:x:{me}:{}::/:\n", rustix::process::getegid().as_raw());
    let role = format!(
        "[config.\"{}\"]\ntemplate = \"t\"\nowner = \"me\"\nmode = \"0400\"\n{keys}\n[env]\nsite = {{ type = \"string\", default = \"{{role}}.x\" }}\nnone = {{ type = \"string\" }}",
        path.display()
    );
    let role = crate::role::parse(&role).unwrap();
    let environment = crate::environment::check(&role.env, "web", &[]).unwrap();
    all(&role, &environment, folder.path(), &users).map_err(|fault| fault.to_string())?;
    assert!(before.is_some() || fs::metadata(&path).unwrap().mode() & 0o777 == 0o400);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left aside");
    Ok(fs::read_to_string(&path).unwrap())
}

#[test]
fn names_and_words() {
    let template = "server_name {{ site }};\n{% if none %}\nno\n{% endif %}\nstage {{ stage }}\n";
    assert_eq!(check(template, "", None).unwrap(), "server_name web.x;\nstage dev\n");
}

#[test]
fn an_undefined_name_is_a_fault_with_its_line() {
    let fault = check("a\n{{ stie }}", "", None).unwrap_err();
    assert!(fault.contains("undefined value") && fault.contains("t:2"), "{fault}");
}

#[test]
fn what_is_kept_stays_and_the_rest_is_replaced() {
    assert_eq!(check("new", "keep = true", Some("old")).unwrap(), "old");
    assert_eq!(check("new", "keep = true", None).unwrap(), "new");
    assert_eq!(check("new", "", Some("old")).unwrap(), "new");
}
