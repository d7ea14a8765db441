//! A comment that fits: folds are shortened at a line's end, all alike, until it does.

/// How many lines a list may have, from the most to the fewest.
const STEPS: [usize; 10] = [usize::MAX, 1_000, 400, 150, 60, 25, 10, 5, 3, 1];

/// The longest of what `print` gives that fits; names in it are cut, so that the shortest does.
pub fn fitting(max_bytes: usize, print: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for lines in STEPS {
        text = print(lines);
        if text.len() <= max_bytes {
            return text;
        }
    }
    // A limit that not even the shortest meets: whole lines of it.
    let mut kept = String::new();
    for line in text.split_inclusive('\n').take_while(|line| !line.starts_with("<details>")) {
        if kept.len() + line.len() > max_bytes {
            break;
        }
        kept.push_str(line);
    }
    kept
}

/// The first `lines`, and that there are more.
pub fn first<T>(all: &[T], lines: usize) -> (&[T], Option<String>) {
    match all.len().checked_sub(lines) {
        None | Some(0) => (all, None),
        Some(more) => (&all[..lines], Some(format!("… {more} more, in `report.json`"))),
    }
}
