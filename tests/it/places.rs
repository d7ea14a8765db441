//! Files that programs look for at a place which everybody knows: in the image by name, and no more; missed aloud.

use crate::support::{Ran, Toy};

/// `zones` has time zones, `clock` asks for one of them; `more` is the role's.
fn toy(asked: &str, more: &str) -> Toy {
    let toy = Toy::new();
    toy.recipe(
        "zones",
        &[],
        "runtime = { at = { \"/usr/share/zoneinfo\" = \"share/zones\" } }",
        "mkdir -p $OUT/share/zones/Europe $OUT/share/zones/Asia
         echo CET >$OUT/share/zones/Europe/Berlin\necho CET >$OUT/share/zones/Europe/Paris
         echo IST >$OUT/share/zones/Asia/Kolkata\nln -s Kolkata $OUT/share/zones/Asia/Calcutta",
    );
    toy.recipe(
        "clock",
        &[],
        &format!("run = [\"zones\"]\nruntime = {{ from.\"bin/clock\" = {{ files = [\"{asked}\"] }} }}"),
        "mkdir -p $OUT/bin\nprintf 'a clock' >$OUT/bin/clock\nchmod 755 $OUT/bin/clock",
    );
    toy.recipe("linux", &[], "", "mkdir -p $OUT/boot\necho kernel >$OUT/boot/vmlinuz");
    let role = "summary = \"A clock\"\nkegs = [\"clock\"]\nkernel = \"linux\"\n";
    let service = "[service.clock]\nrun = [\"clock\"]\nuser = \"clock\"\n";
    toy.write("tap/roles/box.toml", format!("{role}{more}\n{service}"));
    toy.write("agent", "an agent");
    toy
}

fn run(toy: &Toy, arguments: &[&str]) -> Ran {
    Ran::of(toy.command(arguments).env("ROOTBREW_AGENT", toy.path().join("agent")))
}

#[test]
fn what_a_recipe_and_a_role_name_is_there_and_nothing_beside() {
    let toy = toy("/usr/share/zoneinfo/Europe/Berlin", "files = [\"/usr/share/zoneinfo/Asia/Calcutta\"]");
    let list = run(&toy, &["ls", "box"]).expect(0).out;
    let zones: Vec<&str> =
        list.lines().filter_map(|line| line.split_once("share/zone")).map(|(_, path)| path).collect();
    assert_eq!(
        zones,
        [
            "s",
            "s/Asia",
            "s/Asia/Calcutta -> Kolkata",
            "s/Asia/Kolkata",
            "s/Europe",
            "s/Europe/Berlin",
            "info -> /kegs/zones/0/share/zones"
        ]
    );
    assert_eq!(run(&toy, &["cat", "box", "/usr/share/zoneinfo/Asia/Calcutta"]).expect(0).out, "IST\n");
    run(&toy, &["why", "box", "/kegs/zones/0/share/zones/Europe/Berlin"])
        .expect(0)
        .says(&["[runtime] of clock names /usr/share/zoneinfo/Europe/Berlin"]);
}

#[test]
fn a_name_that_leads_to_nothing_says_who_asked() {
    let toy = toy("/usr/share/zoneinfo/Europe/Berlim", "files = [\"/etc/ssl/cert.pem\"]");
    run(&toy, &["image", "box"]).expect(1).says(&[
        "the role needs `/etc/ssl/cert.pem`, and no keg of the role has it",
        "[runtime] of clock, by `/usr/share/zoneinfo/Europe/Berlim`, names `kegs/zones/0/share/zones/Europe/Berlim`, and nothing is there",
    ]);
}

#[test]
fn an_image_is_made_anew_when_a_recipe_names_another_file() {
    let toy = toy("/usr/share/zoneinfo/Europe/Berlin", "");
    assert!(run(&toy, &["ls", "box"]).expect(0).out.contains("Europe/Berlin"));
    let path = toy.path().join("tap/recipes/clock/recipe.toml");
    let recipe = std::fs::read_to_string(&path).expect("the recipe");
    toy.write("tap/recipes/clock/recipe.toml", recipe.replace("Berlin", "Paris"));
    let list = run(&toy, &["ls", "box"]).expect(0).out;
    assert!(list.contains("Europe/Paris") && !list.contains("Europe/Berlin"), "{list}");
}
