//! By hand: `rootbrew shell --at`, `--with`, a command in place of the shell; `rootbrew build --from` a working tree.

use std::fs;

use crate::support::Toy;

const BOX: &str = "mkdir -p \"$OUT/bin\"\ncp /usr/bin/busybox \"$OUT/bin/boxed\"";

fn toy() -> Toy {
    let toy = Toy::new();
    toy.recipe("box", &[], "", BOX);
    toy.recipe("plain", &[], "", "echo x >\"$OUT/x\"");
    toy.write(
        "tap/recipes/plain/steps.sh",
        "do_build() { echo compiled >made; }\ndo_finish() { :; }\ndo_install() { mkdir -p \"$OUT\"; cp made \"$OUT/\"; }\n",
    );
    toy
}

#[test]
fn at_a_step_those_before_it_have_run_and_we_stand_in_its_folder() {
    let toy = toy();
    let ran = toy
        .run(&["shell", "plain", "--at", "install", "--", "sh", "-c", "pwd; cat made; id -u; echo $HOME"])
        .expect(0);
    ran.says(&["== unpack", "== build", "/build/source\ncompiled\n1000\n/build\n"]);
    ran.is_silent_of(&["== install"]);
    let ran = toy.run(&["shell", "plain", "--at", "build", "--", "ls", "-A", "."]).expect(0);
    ran.is_silent_of(&["made"]);
    let ran = toy.run(&["shell", "plain", "--at", "unpack", "--", "pwd"]).expect(0);
    assert_eq!(ran.out, "/build\n");
    toy.is_whole();
}

#[test]
fn a_step_before_that_fails_leaves_the_command_untried() {
    let toy = toy();
    toy.write(
        "tap/recipes/plain/steps.sh",
        "do_build() { echo 'no luck' >&2; exit 4; }\ndo_install() { :; }\ndo_finish() { :; }\n",
    );
    let ran = toy.run(&["shell", "plain", "--at", "install", "--", "echo", "tried"]).expect(1);
    ran.says(&["no luck", "the shell ended with 1"]);
    assert!(!ran.out.contains("tried"), "{ran}");
}

#[test]
fn kegs_and_programs_of_the_seed_are_had_beside() {
    let toy = toy();
    toy.run(&["shell", "plain", "--", "boxed", "true"]).expect(1);
    let ran = toy
        .run(&["shell", "plain", "--with", "box,awk", "--", "sh", "-c", "type boxed; ls /usr/bin/awk"])
        .expect(0);
    ran.says(&["/kegs/box/0/bin/boxed", "/usr/bin/awk"]);
    let ran = toy.run(&["shell", "plain", "--with", "gdb,plaim"]).expect(1);
    ran.says(&[
        "--with gdb: no recipe has this name, and the seed has no such program",
        "did you mean `plain`?",
    ]);
}

/// On this repository's own seed and recipes: the first time its debugger is fetched and unpacked.
#[test]
fn a_debugger_and_a_tracer_stand_in_a_real_build() {
    let text = "cd /tmp && echo 'int main(void) { return 3; }' >t.c && /usr/bin/gcc -g -o t t.c && \
                gdb -q -batch -ex 'break main' -ex run -ex cont ./t && strace -o t.log ./t; grep -c execve t.log";
    let tap = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rootbrew"));
    command.args([
        "shell",
        "zlib",
        "--at",
        "build",
        "--with",
        "strace,gdb",
        "--tap",
        tap,
        "--",
        "sh",
        "-c",
        text,
    ]);
    let ran = crate::support::Ran::of(&mut command).expect(0);
    ran.says(&["Breakpoint 1, main () at t.c:1", "exited with code 03"]);
    assert!(ran.out.ends_with("\n1\n"), "{ran}");
}

/// A compiler that says what it compiles, and a tree of two files.
fn tree(toy: &Toy) {
    let sha256 = "0".repeat(64);
    toy.recipe(
        "tool",
        &[],
        &format!("source = {{ url = \"https://tool.example/t.tar.gz\", sha256 = \"{sha256}\", size = 9 }}"),
        "",
    );
    toy.write(
        "tap/recipes/tool/steps.sh",
        "do_configure() { echo configures; echo wrote >two.mk; }\ndo_finish() { :; }\ndo_build() {\n\
         for source in *.c; do\n[ \"${source%.c}.out\" -nt \"$source\" ] || { echo \"CC $source\"; sleep 1; cp \"$source\" \"${source%.c}.out\"; }\ndone\n}\n\
         do_install() { grep -q wrote two.mk; mkdir -p \"$OUT\"; cat *.out >\"$OUT/all\"; }\n",
    );
    let recipe = toy.tap().join("recipes/tool/recipe.toml");
    let text = fs::read_to_string(&recipe).expect("the recipe");
    fs::write(&recipe, text.replace("[\"finish\"]", "[\"configure\", \"finish\"]")).expect("it is written");
    toy.write("tree/one.c", "one\n");
    toy.write("tree/two.c", "two\n");
    toy.write("tree/two.mk", "the configure step writes over it\n");
    toy.write("tree/stale.o", "another compiler's");
}

#[test]
fn of_a_working_tree_only_what_changed_is_made_anew() {
    let toy = Toy::new();
    tree(&toy);
    let first = toy.run(&["build", "tool", "--from", "tree"]).expect(0);
    assert_eq!(
        fs::read_to_string(format!("{}/all", first.out.trim())).expect("the keg is laid out"),
        "one\ntwo\n"
    );
    let log = toy.run(&["log", "tool"]).expect(0);
    log.says(&["configures", "CC one.c", "CC two.c"]);
    toy.write("tree/two.c", "another two\n");
    let second = toy.run(&["build", "tool", "--from", "tree"]).expect(0);
    second.says(&["1 files changed"]);
    assert_eq!(
        fs::read_to_string(format!("{}/all", second.out.trim())).expect("a keg"),
        "one\nanother two\n"
    );
    let log = toy.run(&["log", "tool"]).expect(0);
    log.says(&["CC two.c"]);
    log.is_silent_of(&["CC one.c", "configures"]);
    toy.run(&["build", "tool", "--from", "tree"]).expect(0).says(&["this tree is built already"]);
    assert_eq!(fs::read_to_string(toy.path().join("tree/two.c")).expect("the tree"), "another two\n");
    assert_eq!(fs::read_dir(toy.path().join("tree")).expect("the tree").count(), 4);
    toy.is_whole();
}

#[test]
fn a_tree_stands_for_one_recipe_and_its_own_keg_is_another() {
    let toy = Toy::new();
    tree(&toy);
    toy.recipe("other", &[], "", "echo x >\"$OUT/x\"");
    toy.run(&["build", "tool", "other", "--from", "tree"]).expect(1).says(&["give one name"]);
    toy.run(&["build", "other", "--from", "tree"]).expect(1).says(&["`other` has 0 sources"]);
    toy.run(&["build", "tool", "--from", "nowhere"]).expect(1).says(&["no such folder"]);
    toy.run(&["build", "tool", "--from", "tree"]).expect(0);
    // The recipe's own archive is still wanted, and can't be had here.
    toy.run(&["build", "tool"]).expect(1);
}
