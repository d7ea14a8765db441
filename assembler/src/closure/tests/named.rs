//! What texts name: the imports of Python files, paths in configuration; and names that are one but for their case.

use expect_test::expect;

use super::check;

/// `|` is a line end in a file of these tests.
fn python(text: &str) -> String {
    let keg = "keg python: bin/python3, lib/python3.13/os.py = import stat, lib/python3.13/stat.py, \
        lib/python3.13/xml/__init__.py, lib/python3.13/xml/sax.py = from . import dom, lib/python3.13/xml/dom.py, \
        lib/python3.13/__pycache__/stat.cpython-313.pyc, lib/python3.13/unused.py = import winreg";
    format!("{keg}\n{text}")
}

#[test]
fn a_python_program_brings_what_it_imports_and_no_more() {
    check(
        &python(
            "keg lib: lib/python3.13/site-packages/fast.cpython-313-x86_64-linux-musl.so = text, lib/python3.13/site-packages/slow.py
             keg* app: bin/app = #!/usr/bin/python3|import os; from xml import sax; import fast; import sys
             link app lib
             runs app",
        ),
        expect![[r#"
            /bin/app # role: service app runs app
            /kegs/app/0/bin/app # /bin/app: points to it
            /kegs/lib/0/lib/python3.13/site-packages/fast.cpython-313-x86_64-linux-musl.so # /kegs/app/0/bin/app: imports fast
            /kegs/python/0/bin/python3 # /usr/bin/python3: points to it
            /kegs/python/0/lib/python3.13/__pycache__/stat.cpython-313.pyc # /kegs/python/0/lib/python3.13/stat.py: is compiled to it
            /kegs/python/0/lib/python3.13/os.py # /kegs/app/0/bin/app: imports os
            /kegs/python/0/lib/python3.13/stat.py # /kegs/python/0/lib/python3.13/os.py: imports stat
            /kegs/python/0/lib/python3.13/xml/__init__.py # /kegs/app/0/bin/app: imports xml
            /kegs/python/0/lib/python3.13/xml/dom.py # /kegs/python/0/lib/python3.13/xml/sax.py: imports .
            /kegs/python/0/lib/python3.13/xml/sax.py # /kegs/app/0/bin/app: imports xml
            /usr/bin/python3 # /kegs/app/0/bin/app: starts with #!/usr/bin/python3
        "#]],
    );
}

#[test]
fn a_python_module_that_nobody_has_is_missed_where_it_is_certainly_imported() {
    check(
        &python(
            "keg* app: bin/app = #!/usr/bin/python3|import nowhere, bin/other = #!/usr/bin/python3|try: import nothing
             runs app
             runs other",
        ),
        expect![[r#"
            error: /kegs/app/0/bin/app needs the Python module `nowhere`, and no keg of the role has it
        "#]],
    );
}

#[test]
fn two_paths_that_differ_by_case_only() {
    check(
        "keg* a: share/README, share/Readme
         [a] files = share",
        expect![[r#"
            error: `/kegs/a/0/share/README` and `/kegs/a/0/share/Readme` differ by case only: whoever unpacks the image on a system that knows no case loses one; leave one out by the recipe's `remove`
        "#]],
    );
}

#[test]
fn a_text_that_the_recipe_says_names_files() {
    check(
        "keg* a: etc/a.conf = include /kegs/a/0/etc/b.conf; user /etc/passwd; x=/kegs/b/0/none, etc/b.conf, etc/c.conf
         [a] config = etc/a.conf",
        expect![[r#"
            error: /kegs/a/0/etc/a.conf needs the file `/kegs/b/0/none`, and no keg of the role has it
        "#]],
    );
}

#[test]
fn what_such_a_text_names_is_there() {
    check(
        "keg* a: etc/a.conf = include /kegs/a/0/etc/b.conf; not https://x.example/kegs/a, etc/b.conf, etc/c.conf
         [a] config = etc/*.conf",
        expect![[r#"
            /kegs/a/0/etc/a.conf # role: names the keg a, [runtime] of a names etc/*.conf
            /kegs/a/0/etc/b.conf # role: names the keg a, [runtime] of a names etc/*.conf
            /kegs/a/0/etc/c.conf # role: names the keg a, [runtime] of a names etc/*.conf
        "#]],
    );
}

#[test]
fn links_that_go_round_in_a_circle() {
    check(
        "keg* a: bin/x -> y, bin/y -> x, share/round -> round
         [a] files = share
         runs x",
        expect![[r#"
            error: service x needs `/kegs/a/0/bin/x`, which leads round in a circle of links
            error: [runtime] of a needs `/kegs/a/0/share/round`, which leads round in a circle of links
        "#]],
    );
}

/// A keg with zones that programs look for in `/usr/share/zoneinfo`, and what else a test has.
fn zones(text: &str) -> String {
    let keg = "keg tz: share/zoneinfo/Europe/Berlin, share/zoneinfo/Europe/Paris, share/zoneinfo/UTC, share/zoneinfo/Zulu -> UTC
        [tz] at /usr/share/zoneinfo = share/zoneinfo
        keg* app: bin/app
        runs app";
    format!("{keg}\n{text}")
}

#[test]
fn what_is_named_where_programs_look_for_it_is_there_and_nothing_beside() {
    check(
        &zones("[app] files = /usr/share/zoneinfo/Europe/B*\nfile /usr/share/zoneinfo/Zulu"),
        expect![[r#"
            /bin/app # role: service app runs app
            /kegs/app/0/bin/app # /bin/app: points to it
            /kegs/tz/0/share/zoneinfo/Europe/Berlin # role: names the keg app, [runtime] of app names /usr/share/zoneinfo/Europe/B*
            /kegs/tz/0/share/zoneinfo/UTC # /kegs/tz/0/share/zoneinfo/Zulu: points to it
            /kegs/tz/0/share/zoneinfo/Zulu # role: files names /usr/share/zoneinfo/Zulu
            /usr/share/zoneinfo # role: files names /usr/share/zoneinfo/Zulu
        "#]],
    );
    check(
        &zones(""),
        expect![[r#"
        /bin/app # role: service app runs app
        /kegs/app/0/bin/app # /bin/app: points to it
    "#]],
    );
    check(
        &zones("file /usr/share/zoneinfo"),
        expect![[r#"
        /bin/app # role: service app runs app
        /kegs/app/0/bin/app # /bin/app: points to it
        /kegs/tz/0/share/zoneinfo/Europe/Berlin # role: files names /usr/share/zoneinfo
        /kegs/tz/0/share/zoneinfo/Europe/Paris # role: files names /usr/share/zoneinfo
        /kegs/tz/0/share/zoneinfo/UTC # role: files names /usr/share/zoneinfo
        /kegs/tz/0/share/zoneinfo/Zulu # role: files names /usr/share/zoneinfo
        /usr/share/zoneinfo # role: files names /usr/share/zoneinfo
    "#]],
    );
}

#[test]
fn a_name_at_a_place_of_the_image_that_leads_to_nothing() {
    check(
        &zones(
            "[app] files = /usr/share/zoneinfo/Europe/Berlim\nfile /usr/share/zoneinfo/Asia\nfile /usr/share/zoneinfo2
             [app] files = /etc/ssl/cert.pem",
        ),
        expect![[r#"
            error: the role, by `/usr/share/zoneinfo/Asia`, names `kegs/tz/0/share/zoneinfo/Asia`, and nothing is there
            error: the role needs `/usr/share/zoneinfo2`, and no keg of the role has it
            error: [runtime] of app, by `/usr/share/zoneinfo/Europe/Berlim`, names `kegs/tz/0/share/zoneinfo/Europe/Berlim`, and nothing is there
            error: [runtime] of app needs `/etc/ssl/cert.pem`, and no keg of the role has it
        "#]],
    );
}

#[test]
fn two_kegs_that_are_looked_for_at_one_place() {
    let two = |more: &str| {
        zones(&format!(
            "keg tiny: zones/UTC\n[tiny] at /usr/share/zoneinfo = zones\nfile /usr/share/zoneinfo/UTC\n{more}"
        ))
    };
    check(
        &two(""),
        expect![[r#"
        error: `usr/share/zoneinfo` is in `tiny` and `tz`; name one under `[prefer]` in roles/t.toml: `"usr/share/zoneinfo" = "tiny"`
    "#]],
    );
    check(
        &two("prefer usr/share/zoneinfo = tiny"),
        expect![[r#"
        /bin/app # role: service app runs app
        /kegs/app/0/bin/app # /bin/app: points to it
        /kegs/tiny/0/zones/UTC # role: files names /usr/share/zoneinfo/UTC
        /usr/share/zoneinfo # role: files names /usr/share/zoneinfo/UTC
    "#]],
    );
}
