//! Treemap: where the bytes of an image go, as nested rectangles: keg, folders, files, each as large as its bytes.
//!
//! ```text
//! ImageTree ─shape─▶ Branch (kegs, folders, files with bytes) ─lay out─▶ tiles ─svg · html─▶ text
//! ```
//! A crate lays out (squarified, after Bruls, Huizing, van Wijk); we only draw. Pure: the same tree gives the same
//! picture. What would be smaller than a few pixels is one tile of its folder, so that a picture stays small.

mod html;
mod shape;
mod svg;

use streemap::Rect;

use crate::tree::ImageTree;
pub use html::html;
use shape::Branch;
pub use svg::{difference, svg};

/// Pixels of the map itself, without title and legend.
const WIDTH: f64 = 1200.0;
const HEIGHT: f64 = 560.0;

/// Around what stands in a tile, and above it where its name is written.
const MARGIN: f64 = 2.0;
const HEAD: f64 = 17.0;

/// Files of fewer square pixels are drawn as one.
const TILE_MIN: f64 = 9.0;

/// What stands above the map.
#[derive(Debug, Clone, Default)]
pub struct Title {
    /// The image's name.
    pub name: String,
    /// What it all is: bytes on disk, files.
    pub totals: String,
}

/// One rectangle. Those of kegs and folders come before what is in them.
#[derive(Debug, Clone, PartialEq)]
struct Tile {
    rect: Rect<f64>,
    /// With its leading slash; of several files drawn as one, their folder's.
    path: String,
    label: String,
    bytes: u64,
    /// The place of its keg by size, from 0.
    keg: usize,
    kind: TileKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TileKind {
    Keg,
    Folder,
    File,
}

/// A laid-out map: its tiles, and the kegs with their bytes, largest first.
struct Map {
    tiles: Vec<Tile>,
    kegs: Vec<(String, u64)>,
    bytes: u64,
}

fn map(tree: &ImageTree) -> Map {
    map_of(&shape::kegs(tree))
}

/// Each branch in a colour of its own, by its place.
fn map_of(kegs: &[Branch]) -> Map {
    let bytes: u64 = kegs.iter().map(|keg| keg.bytes).sum();
    let pixels_a_byte = WIDTH * HEIGHT / bytes.max(1) as f64;
    let mut tiles = Vec::new();
    let mut largest_first: Vec<(usize, &Branch)> = kegs.iter().enumerate().collect();
    largest_first.sort_by_key(|(_, keg)| std::cmp::Reverse(keg.bytes));
    let placed =
        lay_out(Rect { x: 0.0, y: 0.0, w: WIDTH, h: HEIGHT }, largest_first.iter().map(|(_, keg)| *keg));
    // What has no bytes comes last, and is not placed.
    for ((rect, branch), (keg, _)) in placed.into_iter().zip(&largest_first) {
        draw(branch, rect, *keg, TileKind::Keg, pixels_a_byte, &mut tiles);
    }
    Map { tiles, kegs: kegs.iter().map(|keg| (keg.name.clone(), keg.bytes)).collect(), bytes }
}

/// Rectangles for branches that are sorted largest first; what has no bytes has none.
fn lay_out<'a>(room: Rect<f64>, branches: impl Iterator<Item = &'a Branch>) -> Vec<(Rect<f64>, &'a Branch)> {
    let mut items: Vec<_> = branches.filter(|branch| branch.bytes > 0).map(|branch| (room, branch)).collect();
    streemap::squarify(room, &mut items, |(_, branch)| branch.bytes as f64, |item, rect| item.0 = rect);
    items
}

fn draw(branch: &Branch, rect: Rect<f64>, keg: usize, kind: TileKind, scale: f64, tiles: &mut Vec<Tile>) {
    let Branch { path, name, bytes, children } = branch;
    tiles.push(Tile { rect, path: path.clone(), label: name.clone(), bytes: *bytes, keg, kind });
    let inside = inside(rect);
    // By what is left of the scale: heads and margins take some of it.
    let scale = if *bytes == 0 { scale } else { scale.min(inside.w * inside.h / *bytes as f64) };
    let (large, small): (Vec<_>, Vec<_>) =
        children.iter().partition(|child| child.bytes as f64 * scale >= TILE_MIN);
    let rest = shape::together(path, &small);
    for (rect, child) in lay_out(inside, large.into_iter().chain(&rest)) {
        let kind = if child.children.is_empty() { TileKind::File } else { TileKind::Folder };
        draw(child, rect, keg, kind, scale, tiles);
    }
}

/// The room in a tile for what stands in it: below its name, where that has place.
fn inside(rect: Rect<f64>) -> Rect<f64> {
    let head = if has_head(rect) { HEAD } else { MARGIN.min(rect.h / 8.0) };
    let margin = MARGIN.min(rect.w / 8.0).min(rect.h / 8.0);
    Rect {
        x: rect.x + margin,
        y: rect.y + head,
        w: (rect.w - 2.0 * margin).max(0.0),
        h: (rect.h - head - margin).max(0.0),
    }
}

fn has_head(rect: Rect<f64>) -> bool {
    rect.w >= 48.0 && rect.h >= 2.5 * HEAD
}

#[cfg(test)]
mod tests;
