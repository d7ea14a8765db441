//! The graph as a picture in SVG: boxes by layers, what is needed to the right. The layout is the crate `layout-rs`'s.
//!
//! Solid arrows are libraries that are linked, dashed ones programs that run in builds, dotted ones what is needed at run
//! time. Roles are grey. Only names and versions reach the text, and both are of a narrow alphabet.

use std::collections::{BTreeMap, BTreeSet};

use layout::backends::svg::SVGWriter;
use layout::core::base::Orientation;
use layout::core::color::Color;
use layout::core::geometry::Point;
use layout::core::style::{LineStyleKind, StyleAttr};
use layout::std_shapes::shapes::{Arrow, Element, ShapeKind};
use layout::topo::layout::VisualGraph;

use super::{Graph, Need, Thing, Ties};

const FONT_PX: usize = 14;
/// Of a letter at that size: the widest of the usual sans-serif fonts are 0.62 em on average.
const LETTER_PX: f64 = 8.7;
const LINE_PX: f64 = 19.0;

/// Everything from `roots` on, as one SVG document.
pub fn svg(graph: &Graph, roots: &[String], kinds: &[Need]) -> String {
    let mut names: BTreeSet<String> = roots.iter().cloned().collect();
    for root in roots {
        names.extend(graph.reach(root, kinds));
    }
    let mut picture = VisualGraph::new(Orientation::LeftToRight);
    let mut handles = BTreeMap::new();
    for name in &names {
        if let Some(thing) = graph.things.get(name) {
            handles.insert(name.clone(), picture.add_node(shape(name, thing)));
        }
    }
    for (from, handle) in &handles {
        for (to, ties) in graph.direct(from, kinds).filter(|(to, _)| handles.contains_key(*to)) {
            picture.add_edge(arrow(ties, kinds), *handle, handles[to]);
        }
    }
    let mut writer = SVGWriter::new();
    picture.do_it(false, false, false, &mut writer);
    // The crate's own choice is a serif font.
    writer.finalize().replace("Times, serif", "sans-serif")
}

fn shape(name: &str, thing: &Thing) -> Element {
    let (text, fill) = match &thing.version {
        Some(version) => (format!("{name}\n{version}"), "white"),
        None => (name.to_string(), "lightgray"),
    };
    let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    let size = Point::new(widest as f64 * LETTER_PX + 16.0, text.lines().count() as f64 * LINE_PX + 10.0);
    let look = StyleAttr::new(Color::fast("black"), 1, Some(Color::fast(fill)), 5, FONT_PX);
    Element::create(ShapeKind::new_box(&text), look, Orientation::LeftToRight, size)
}

fn arrow(ties: &Ties, kinds: &[Need]) -> Arrow {
    // The strongest tie names the line.
    let need = kinds.iter().find(|kind| ties.contains_key(kind));
    let line_style = match need {
        Some(Need::Build | Need::Tool) => LineStyleKind::Dashed,
        Some(Need::Run) => LineStyleKind::Dotted,
        _ => LineStyleKind::Normal,
    };
    let look = StyleAttr::new(Color::fast("dimgray"), 1, None, 0, FONT_PX);
    Arrow { line_style, look, ..Arrow::default() }
}
