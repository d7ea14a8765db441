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
