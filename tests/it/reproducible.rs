//! `rootbrew check`: what is the same passes, what leaks the builder's world is caught by file.

use crate::support::Toy;

#[test]
fn the_same_bytes_pass() {
    let toy = Toy::new();
    toy.recipe("plain", &[], "", "echo \"$SOURCE_DATE_EPOCH\" >\"$OUT/epoch\"; seq 100 >\"$OUT/list\"");
    toy.run(&["check", "plain"]).expect(0).says(&["same    plain"]);
    toy.is_whole();
}

fn leak(what: &str) {
    let toy = Toy::new();
    toy.recipe("leaky", &[], "", &format!("echo same >\"$OUT/good\"; {what} >\"$OUT/leak\""));
    let ran = toy.run(&["check", "leaky"]).expect(1);
    ran.says(&["differs leaky", "1 files", "leak: "]);
    ran.is_silent_of(&["good:"]);
    toy.is_whole();
}

#[test]
fn the_host_name() {
    leak("hostname");
}

#[test]
fn the_user() {
    leak("id -u");
}

#[test]
fn the_processors() {
    leak("nproc");
}

#[test]
fn the_job_count() {
    leak("echo \"$MAKEFLAGS\"");
}

#[test]
fn the_clock() {
    leak("date +%s");
}

#[test]
fn the_order_of_a_folder() {
    leak("mkdir /build/many; cd /build/many; touch $(seq 40); find .");
}
