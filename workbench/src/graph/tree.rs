//! The graph as lines of text, as `tree` prints folders. What was shown above with its own needs ends in `…`.

use std::collections::BTreeSet;

use super::{Graph, Need};

/// The tree below `name`, a line a need: `├── openssl@3 3.6.3 (link)`.
pub fn tree(graph: &Graph, name: &str, kinds: &[Need]) -> Vec<String> {
    let mut lines = vec![label(graph, name)];
    let mut seen = BTreeSet::from([name.to_string()]);
    below(graph, name, kinds, &mut Drawing { indent: String::new(), seen: &mut seen, lines: &mut lines });
    lines
}

struct Drawing<'a> {
    indent: String,
    seen: &'a mut BTreeSet<String>,
    lines: &'a mut Vec<String>,
}

// As deep as the longest chain of needs: plans are acyclic.
fn below(graph: &Graph, name: &str, kinds: &[Need], drawing: &mut Drawing) {
    let needs: Vec<_> = graph.direct(name, kinds).collect();
    for (nth, (to, ties)) in needs.iter().enumerate() {
        let last = nth + 1 == needs.len();
        let words: Vec<&str> =
            ties.keys().filter(|need| kinds.contains(need)).map(|need| need.word()).collect();
        let fresh = drawing.seen.insert(to.to_string());
        let above = !fresh && graph.direct(to, kinds).next().is_some();
        let branch = if last { "└── " } else { "├── " };
        let more = if above { " …" } else { "" };
        let line = format!("{}{branch}{} ({}){more}", drawing.indent, label(graph, to), words.join(", "));
        drawing.lines.push(line);
        if fresh {
            let indent = format!("{}{}", drawing.indent, if last { "    " } else { "│   " });
            let inner = &mut Drawing { indent, seen: &mut *drawing.seen, lines: &mut *drawing.lines };
            below(graph, to, kinds, inner);
        }
    }
}

/// `openssl@3 3.6.3`, `role web`.
fn label(graph: &Graph, name: &str) -> String {
    match graph.things.get(name).and_then(|thing| thing.version.as_ref()) {
        Some(version) => format!("{name} {version}"),
        None => name.to_string(),
    }
}
