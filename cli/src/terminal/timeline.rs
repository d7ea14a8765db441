//! A build as a picture: a bar for each keg, lanes below one another, downloads under them, and the processors in use.
//!
//! ```text
//!  |  linux 6.12.107            | nginx |        lanes: what ran side by side
//!  | musl |hdr| openssl@3       | pcre2 |
//!  |▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂|▂▂▂▂▂▂▂|       cores: each keg's cpu seconds, spread over its own time
//!  0       1 min     2 min                       time
//! ```
//! Only names and versions reach the text, and both are of a narrow alphabet that SVG needs no escapes for.

use std::fmt::Write;

use super::trace::Span;

pub(super) const WIDTH_PX: f64 = 1180.0;
const LEFT_PX: f64 = 60.0;
const LANE_PX: f64 = 24.0;
const FETCH_PX: f64 = 6.0;
const CORES_PX: f64 = 60.0;
/// Of a letter at 11 px.
const LETTER_PX: f64 = 6.2;
/// Points of the processors' curve.
const SAMPLES: usize = 400;

pub fn svg(spans: &[Span]) -> String {
    let end_us = spans.iter().map(|span| span.until_us).max().unwrap_or(0).max(1);
    let scale = (WIDTH_PX - LEFT_PX - 10.0) / end_us as f64;
    let lanes =
        |kind: &str| spans.iter().filter(|span| span.kind == kind).map(|span| span.lane).max().unwrap_or(0);
    let fetch_y = 10.0 + lanes("build") as f64 * LANE_PX + 8.0;
    let cores_y = fetch_y + lanes("fetch") as f64 * FETCH_PX + 12.0;
    let axis_y = cores_y + CORES_PX;
    let mut text = head(axis_y + 30.0);
    for span in spans {
        let (x, width) =
            (LEFT_PX + span.from_us as f64 * scale, (span.until_us - span.from_us) as f64 * scale);
        match span.kind {
            "build" => bar(&mut text, span, (x, 10.0 + (span.lane - 1) as f64 * LANE_PX), width),
            _ => download(&mut text, span, (x, fetch_y + (span.lane - 1) as f64 * FETCH_PX), width),
        }
    }
    cores(&mut text, spans, end_us, (cores_y, axis_y));
    axis(&mut text, end_us, scale, axis_y);
    text.push_str("</svg>\n");
    text
}

pub(super) fn head(height_px: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH_PX:.0}\" height=\"{height_px:.0}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    )
}

fn bar(text: &mut String, span: &Span, (x, y): (f64, f64), width: f64) {
    let failed = span.facts.get("failed").is_some();
    let fill = if failed { "#e8a0a0" } else { "#a8c8e8" };
    let seconds = (span.until_us - span.from_us) as f64 / 1e6;
    rectangle(
        text,
        (x, y),
        (width.max(0.5), LANE_PX - 3.0),
        &format!("fill=\"{fill}\" stroke=\"#456\" stroke-width=\"0.5\""),
        &format!("{} {seconds:.1} s", span.name),
    );
    if span.name.len() as f64 * LETTER_PX + 6.0 < width {
        label(text, (x + 3.0, y + 15.0), "start", &span.name);
    }
}

fn download(text: &mut String, span: &Span, at: (f64, f64), width: f64) {
    rectangle(
        text,
        at,
        (width.max(0.5), FETCH_PX - 1.0),
        "fill=\"#c8b890\"",
        &format!("fetch {}", span.name),
    );
}

pub(super) fn rectangle(
    text: &mut String,
    (x, y): (f64, f64),
    (width, height): (f64, f64),
    style: &str,
    title: &str,
) {
    // Writing to a string can't fail.
    writeln!(text, "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" {style}><title>{title}</title></rect>").ok();
}

pub(super) fn label(text: &mut String, (x, y): (f64, f64), anchor: &str, words: &str) {
    writeln!(text, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>").ok();
}

/// How many processors the builds used, by the cpu seconds that each says it took.
fn cores(text: &mut String, spans: &[Span], end_us: u64, (top, bottom): (f64, f64)) {
    let mut used = vec![0.0; SAMPLES];
    for span in spans {
        let Some(cpu_s) = span.facts.get("cpu_s").and_then(serde_json::Value::as_f64) else { continue };
        let share = cpu_s * 1e6 / (span.until_us - span.from_us).max(1) as f64;
        let sample = |us: u64| us as f64 / end_us as f64 * SAMPLES as f64;
        let (from, until) = (sample(span.from_us), sample(span.until_us));
        for (at, cores) in used.iter_mut().enumerate().take(until.ceil() as usize).skip(from as usize) {
            // Of a point that it did not fill, its part.
            *cores += share * (until.min(at as f64 + 1.0) - from.max(at as f64)).max(0.0);
        }
    }
    let most = used.iter().copied().fold(1.0, f64::max).ceil();
    let step = (WIDTH_PX - LEFT_PX - 10.0) / SAMPLES as f64;
    write!(text, "<path fill=\"#b8d8b0\" d=\"M{LEFT_PX:.1},{bottom:.1}").ok();
    for (at, cores) in used.iter().enumerate() {
        let (x, y) = (LEFT_PX + at as f64 * step, bottom - cores / most * (bottom - top));
        write!(text, " L{x:.1},{y:.1} L{:.1},{y:.1}", x + step).ok();
    }
    writeln!(text, " L{:.1},{bottom:.1} Z\"/>", LEFT_PX + SAMPLES as f64 * step).ok();
    label(text, (LEFT_PX - 4.0, top + 9.0), "end", &format!("{most:.0} cores"));
}

fn axis(text: &mut String, end_us: u64, scale: f64, y: f64) {
    let end_s = end_us as f64 / 1e6;
    let steps = [1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0];
    let step_s = steps.into_iter().find(|step| end_s / step <= 15.0).unwrap_or(3600.0);
    let mut at_s = 0.0;
    while at_s <= end_s {
        let x = LEFT_PX + at_s * 1e6 * scale;
        writeln!(
            text,
            "<line x1=\"{x:.1}\" y1=\"10\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#0002\"/>",
            y + 4.0
        )
        .ok();
        label(text, (x, y + 16.0), "middle", &format!("{at_s:.0} s"));
        at_s += step_s;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bar_stands_where_and_as_long_as_it_ran() {
        let span = |kind, name: &str, lane, from_us, until_us, cpu_s: f64| Span {
            kind,
            name: name.to_string(),
            lane,
            from_us,
            until_us,
            facts: json!({ "cpu_s": cpu_s }),
        };
        let spans = [
            span("build", "zlib 1.3.2", 1, 0, 5_000_000, 5.0),
            span("build", "linux 6.12", 2, 5_000_000, 10_000_000, 10.0),
            span("fetch", "nginx", 1, 0, 1_000_000, 0.0),
        ];
        let picture = svg(&spans);
        // Half of 1,110 pixels each, the second one lane lower.
        let zlib = "<rect x=\"60.0\" y=\"10.0\" width=\"555.0\" height=\"21.0\"";
        assert!(picture.contains(zlib), "{picture}");
        let linux = "<rect x=\"615.0\" y=\"34.0\" width=\"555.0\" height=\"21.0\"";
        assert!(picture.contains(linux), "{picture}");
        assert!(picture.contains("<title>fetch nginx</title>"), "{picture}");
        assert!(picture.contains(">2 cores</text>"), "{picture}");
    }
}
