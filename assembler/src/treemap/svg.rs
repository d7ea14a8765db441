//! The picture: one SVG, readable alone, light or dark as its reader's screen is.

use std::fmt::Write;

use super::{HEAD, HEIGHT, Map, Tile, TileKind, Title, WIDTH, has_head, inside, map, map_of, shape};
use crate::diff::Diff;
use crate::tree::ImageTree;

/// Fills on light and on dark ground; text on them has a contrast of 7 and more. Kegs beyond share the last.
const COLOURS: [(&str, &str); 10] = [
    ("#a9cdf5", "#1f4e86"),
    ("#f8cf9f", "#7a4a12"),
    ("#b4e0b0", "#265c2c"),
    ("#e2c1ee", "#643a75"),
    ("#f6bcbc", "#80343a"),
    ("#a6e0e0", "#1b5f63"),
    ("#ece096", "#655914"),
    ("#d9c8ae", "#574a33"),
    ("#c6cbf7", "#434891"),
    ("#d5d9de", "#474d55"),
];

const TITLE_HEIGHT: f64 = 58.0;
const LEGEND_ROW: f64 = 24.0;
const LEGEND_COLUMNS: usize = 4;
const EDGE: f64 = 12.0;

/// Below this many pixels a letter is not read.
const LETTER_MIN: f64 = 8.0;
const LETTER: f64 = 12.0;
const LETTER_MAX: f64 = 22.0;
/// Of its height, which a letter of a plain sans-serif face is wide, on average and a little more.
const LETTER_WIDTH: f64 = 0.58;
const BOLD_WIDTH: f64 = 0.66;

/// A document of its own.
pub fn svg(tree: &ImageTree, title: &Title) -> String {
    drawn(&map(tree), title)
}

/// By how many bytes each file of an image is larger or smaller than it was; `None` where all are as large as they were.
pub fn difference(diff: &Diff, title: &Title) -> Option<String> {
    let map = map_of(&shape::moved(diff));
    (map.bytes > 0).then(|| drawn(&map, title))
}

fn drawn(map: &Map, title: &Title) -> String {
    let rows = map.kegs.len().div_ceil(LEGEND_COLUMNS) as f64 * LEGEND_ROW;
    let (width, height) = (WIDTH + 2.0 * EDGE, TITLE_HEIGHT + HEIGHT + rows + 2.0 * EDGE);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\">\n<title>{}: {}</title>\n<style>{}</style>\n\
         <rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n",
        escape(&title.name),
        escape(&title.totals),
        style(),
    );
    // Writing to a String cannot fail, here and below.
    let _ = write!(
        out,
        "<text class=\"name\" x=\"{EDGE}\" y=\"30\">{}</text>\n<text x=\"{EDGE}\" y=\"50\">{}</text>\n",
        escape(&title.name),
        escape(&title.totals)
    );
    let _ = writeln!(out, "<g transform=\"translate({EDGE} {TITLE_HEIGHT})\">");
    out.push_str(&tiles(map, LETTER_MIN));
    let _ = writeln!(out, "</g>\n<g transform=\"translate({EDGE} {})\">", TITLE_HEIGHT + HEIGHT + EDGE);
    out.push_str(&legend(map));
    out.push_str("</g>\n</svg>\n");
    out
}

pub(super) fn style() -> String {
    let mut light = String::from(
        ".ground{fill:#fff}text{font:12px system-ui,Arial,sans-serif;fill:#16191d}.name{font-size:20px;font-weight:600}\
         .head{font-weight:600}.tile{stroke:#fff;stroke-width:1}.k>rect,.d>rect{fill-opacity:.45}.way{font-weight:400;fill-opacity:.7}",
    );
    let mut dark = String::from(".ground{fill:#12151a}text{fill:#f2f4f7}.tile{stroke:#12151a}");
    for (at, (on_light, on_dark)) in COLOURS.iter().enumerate() {
        let _ = write!(light, ".c{at}{{fill:{on_light}}}");
        let _ = write!(dark, ".c{at}{{fill:{on_dark}}}");
    }
    format!("{light}@media(prefers-color-scheme:dark){{{dark}}}")
}

/// All tiles and their labels, of which those below `letter_min` are left out.
pub(super) fn tiles(map: &Map, letter_min: f64) -> String {
    let mut out = String::new();
    for tile in &map.tiles {
        let rect = tile.rect;
        let colour = colour(tile.keg);
        let kind = match tile.kind {
            TileKind::Keg => "k",
            TileKind::Folder => "d",
            TileKind::File => "f",
        };
        let _ = write!(
            out,
            "<g class=\"{kind}\" data-path=\"{path}\"><rect class=\"tile c{colour}\" x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" \
             height=\"{:.2}\"/><title>{path}\n{}</title>",
            rect.x,
            rect.y,
            rect.w,
            rect.h,
            said(tile.bytes, map.bytes),
            path = escape(&tile.path),
        );
        out.push_str(&if tile.kind == TileKind::File {
            file_label(tile, letter_min)
        } else {
            head_label(tile)
        });
        out.push_str("</g>\n");
    }
    out
}

/// `5.65 MB, 73.9 %`.
fn said(bytes: u64, of: u64) -> String {
    format!("{}, {:.1} %", people(bytes), 100.0 * bytes as f64 / of.max(1) as f64)
}

fn head_label(tile: &Tile) -> String {
    if !has_head(tile.rect) {
        return String::new();
    }
    let with_bytes = format!("{}  {}", tile.label, people(tile.bytes));
    let room = ((tile.rect.w - 8.0) / (LETTER * BOLD_WIDTH)) as usize;
    let fits = |text: &str| text.chars().count() <= room;
    let text = if fits(&with_bytes) { with_bytes } else { shorten(&tile.label, room) };
    // Where a keg's only folder is.
    let has_way = tile.kind == TileKind::Keg && fits(&format!("{text}  {}", tile.path));
    let way = if has_way {
        format!("<tspan class=\"way\" dx=\"8\">{}</tspan>", escape(&tile.path))
    } else {
        String::new()
    };
    let (x, y) = (tile.rect.x + 4.0, tile.rect.y + HEAD - 4.5);
    format!("<text class=\"head\" x=\"{x:.2}\" y=\"{y:.2}\">{}{way}</text>", escape(&text))
}

/// The name, as large as it fits up to what its tile deserves, and the bytes below it where there is room.
fn file_label(tile: &Tile, letter_min: f64) -> String {
    let room = inside(tile.rect);
    let letters = tile.label.chars().count().max(1) as f64;
    let fitting = (room.w / (letters * LETTER_WIDTH)).min(room.h / 1.25);
    let deserved = (tile.rect.w.min(tile.rect.h) / 12.0).clamp(LETTER, LETTER_MAX);
    let letter = fitting.min(deserved).max(LETTER_MIN.min(letter_min));
    let text = shorten(&tile.label, (room.w / (letter * LETTER_WIDTH)) as usize);
    if letter < letter_min || letter * 1.2 > tile.rect.h || text.chars().count() < 3.min(letters as usize) {
        return String::new();
    }
    let (x, y) = (tile.rect.x + letter / 3.0, tile.rect.y + letter * 1.15);
    let line = |y: f64, text: &str| {
        format!("<text x=\"{x:.2}\" y=\"{y:.2}\" style=\"font-size:{letter:.2}px\">{}</text>", escape(text))
    };
    let bytes = people(tile.bytes);
    let has_second =
        tile.rect.h >= letter * 2.6 && bytes.chars().count() as f64 * letter * LETTER_WIDTH <= room.w;
    let second = if has_second { line(y + letter * 1.25, &bytes) } else { String::new() };
    line(y, &text) + &second
}

/// The kegs, with their colours, in rows.
pub(super) fn legend(map: &Map) -> String {
    let mut out = String::new();
    for (at, (name, bytes)) in map.kegs.iter().enumerate() {
        let x = (at % LEGEND_COLUMNS) as f64 * (WIDTH / LEGEND_COLUMNS as f64);
        let y = (at / LEGEND_COLUMNS) as f64 * LEGEND_ROW;
        let text = format!("{}  {}", shorten(name, 22), said(*bytes, map.bytes));
        let _ = writeln!(
            out,
            "<rect class=\"c{}\" x=\"{x}\" y=\"{}\" width=\"14\" height=\"14\"/><text x=\"{}\" y=\"{}\">{}</text>",
            colour(at),
            y + 4.0,
            x + 20.0,
            y + 15.5,
            escape(&text)
        );
    }
    out
}

fn colour(keg: usize) -> usize {
    keg.min(COLOURS.len() - 1)
}

/// At most so many letters, the last of them an ellipsis where some are gone.
fn shorten(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_string();
    }
    let kept: String = text.chars().take(letters.saturating_sub(1)).collect();
    kept + "…"
}

/// Bytes as people read them, in powers of ten.
fn people(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// As text and as a quoted attribute. Control characters may stand in no XML at all; what turns the reading order lies.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\0'..' ' | '\x7f' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                escaped.push('\u{fffd}')
            }
            other => escaped.push(other),
        }
    }
    escaped
}
