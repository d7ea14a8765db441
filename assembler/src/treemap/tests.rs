use super::*;
use crate::tree::{Node, Reason};
use expect_test::expect;

fn tree(files: &[(&str, usize)]) -> ImageTree {
    let mut tree = ImageTree::default();
    for (path, bytes) in files {
        tree.insert(path, Node::inline(vec![0; *bytes], 0o644, Reason::image("a test"))).unwrap();
    }
    tree
}

fn web() -> ImageTree {
    tree(&[
        ("kegs/nginx/0/bin/nginx", 5_600_000),
        ("kegs/nginx/0/share/mime.types", 5_000),
        ("kegs/openssl/3/etc/ssl/cert.pem", 200_000),
        ("kegs/openssl/3/etc/ssl/openssl.cnf", 12_000),
        ("sbin/init", 2_000_000),
        ("etc/hosts", 30),
        ("etc/passwd", 60),
        ("etc/empty", 0),
    ])
}

#[test]
fn tiles_are_as_large_as_their_bytes_and_stand_in_one_another() {
    let map = map(&web());
    let kegs: Vec<_> = map.kegs.iter().map(|(name, bytes)| format!("{name} {bytes}")).collect();
    assert_eq!(kegs, ["nginx 5605000", "rootbrew 2000090", "openssl@3 212000"]);
    let lines: Vec<String> = map
        .tiles
        .iter()
        .map(|tile| {
            let Rect { x, y, w, h } = tile.rect;
            format!("{:?} {} {} at {x:.0},{y:.0} {w:.0}x{h:.0}", tile.kind, tile.label, tile.path)
        })
        .collect();
    expect![[r#"
        Keg nginx /kegs/nginx/0 at 0,0 860x560
        Folder bin /kegs/nginx/0/bin at 2,17 856x541
        File nginx /kegs/nginx/0/bin/nginx at 4,34 852x522
        Folder share /kegs/nginx/0/share at 858,17 1x541
        File mime.types /kegs/nginx/0/share/mime.types at 858,19 1x539
        Keg rootbrew / at 860,0 340x506
        Folder sbin /sbin at 862,17 336x487
        File init /sbin/init at 864,34 332x468
        File etc /etc at 862,504 336x0
        Keg openssl@3 /kegs/openssl/3/etc/ssl at 860,506 340x54
        File cert.pem /kegs/openssl/3/etc/ssl/cert.pem at 862,523 317x35
        File openssl.cnf /kegs/openssl/3/etc/ssl/openssl.cnf at 1179,523 19x35
    "#]]
    .assert_eq(&(lines.join("\n") + "\n"));
    let of_kegs = map.tiles.iter().filter(|tile| tile.kind == TileKind::Keg);
    for tile in of_kegs {
        let share = tile.rect.w * tile.rect.h / (WIDTH * HEIGHT);
        assert!((share - tile.bytes as f64 / map.bytes as f64).abs() < 1e-6, "{tile:?}");
    }
}

#[test]
fn an_image_of_nothing_is_a_picture_too() {
    for tree in [ImageTree::default(), tree(&[("etc/empty", 0)])] {
        assert!(map(&tree).tiles.len() < 2);
        let title = Title { name: "nothing".into(), totals: "0 B".into() };
        assert!(svg(&tree, &title).ends_with("</svg>\n") && html(&tree, &title).ends_with("</html>\n"));
    }
}

#[test]
fn thousands_of_files_are_a_small_picture() {
    let names: Vec<String> = (0..20_000).map(|at| format!("kegs/a/0/lib/{}/{at}", at % 50)).collect();
    let files: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), name.len() % 7)).collect();
    let text = svg(&tree(&files), &Title::default());
    assert!(text.len() < 6_000_000, "{}", text.len());
    let one_large: Vec<(&str, usize)> = files.into_iter().chain([("large", 100_000_000)]).collect();
    let text = svg(&tree(&one_large), &Title::default());
    assert!(text.len() < 30_000, "{}", text.len());
    assert!(text.contains("50 smaller") || text.contains("kegs/a"), "{text}");
}

#[test]
fn names_from_outside_stay_text() {
    let hostile = tree(&[("a/<script>alert('x')&\"\u{1}</script>", 1000)]);
    for text in [svg(&hostile, &Title::default()), html(&hostile, &Title::default())] {
        assert!(!text.contains("<script>alert") && !text.contains('\u{1}'), "{text}");
        assert!(text.contains("&lt;script&gt;"), "{text}");
    }
}

#[test]
fn a_difference_is_drawn_by_what_moved() {
    let old = tree(&[("kegs/a/0/bin/a", 1_000), ("kegs/a/0/lib/gone", 500), ("etc/same", 90)]);
    let new = tree(&[("kegs/a/0/bin/a", 4_000), ("kegs/b/0/bin/b", 200), ("etc/same", 90)]);
    let title = Title { name: "box".into(), totals: "+2.7 kB".into() };
    let svg = difference(&crate::diff(&old, &new), &title).unwrap();
    for said in [
        "smaller  500 B, 13.5 %",
        "larger  3.2 kB, 86.5 %",
        "<rect class=\"tile c0\"",
        "data-path=\"/kegs/a/0/bin/a\"",
        "/kegs/a/0/lib/gone\n500 B",
    ] {
        assert!(svg.contains(said), "{said}\n{svg}");
    }
    assert!(!svg.contains("etc/same"));
    assert_eq!(difference(&crate::diff(&old, &old), &title), None);
}
