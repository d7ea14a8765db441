//! The timeline of a build, from the trace that `rootbrew build --trace x.json` writes and a publisher put beside an image as
//! `trace.json`: a bar a keg, lanes below one another. Drawn again here, as the page's own: a picture that a stranger drew may
//! hold anything.

use std::fmt::Write;

use serde_json::Value;

use super::shown;

const SPANS_MAX: usize = 1_000;
const LANES_MAX: u64 = 64;
/// A build of more than a week is none.
const END_MAX_US: u64 = 7 * 86_400 * 1_000_000;
const WIDTH: f64 = 1000.0;
const LANE: f64 = 22.0;
/// Of a letter at 11 units.
const LETTER: f64 = 6.4;

pub struct Span {
    pub name: String,
    /// From 0.
    pub lane: u64,
    pub from_us: u64,
    pub length_us: u64,
}

/// The builds of a trace in Chrome's format; downloads are left out.
pub fn read(bytes: &[u8]) -> Result<Vec<Span>, String> {
    let trace: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let events = trace["traceEvents"].as_array().ok_or("is no trace: it has no `traceEvents`")?;
    let mut spans: Vec<Span> =
        events.iter().filter(|event| event["cat"] == "build").take(SPANS_MAX).filter_map(span).collect();
    spans.sort_by(|a, b| (a.from_us, &a.name).cmp(&(b.from_us, &b.name)));
    Ok(spans)
}

fn span(event: &Value) -> Option<Span> {
    let (from_us, length_us) = (event["ts"].as_u64()?, event["dur"].as_u64()?);
    let lane = event["tid"].as_u64()?.saturating_sub(1);
    let fits = from_us.saturating_add(length_us) <= END_MAX_US && lane < LANES_MAX;
    fits.then(|| Span { name: shown(event["name"].as_str().unwrap_or("?")), lane, from_us, length_us })
}

pub fn svg(spans: &[Span]) -> Option<String> {
    let end_us = spans.iter().map(|span| span.from_us + span.length_us).max()?.max(1);
    let lanes = spans.iter().map(|span| span.lane).max()? + 1;
    let (scale, bottom) = (WIDTH / end_us as f64, lanes as f64 * LANE);
    let mut out = format!(
        "<svg class=\"timeline\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-labelledby=\"timeline-title\">\
         <title id=\"timeline-title\">What was built when: {} kegs in {:.1} s</title>",
        bottom + 20.0,
        spans.len(),
        end_us as f64 / 1e6
    );
    for quarter in 0..=4 {
        let x = f64::from(quarter) / 4.0 * WIDTH;
        let class = ["start", "middle", "middle", "middle", "end"][quarter as usize];
        let label = end_us as f64 / 1e6 * f64::from(quarter) / 4.0;
        // Writing to a String cannot fail, here and below.
        let _ = write!(
            out,
            "<path class=\"grid\" d=\"M{x} 0V{bottom}\"/><text class=\"tick {class}\" x=\"{x}\" y=\"{}\">{label:.0} s</text>",
            bottom + 15.0
        );
    }
    spans.iter().for_each(|span| bar(&mut out, span, scale));
    out.push_str("</svg>");
    Some(out)
}

fn bar(out: &mut String, span: &Span, scale: f64) {
    let (x, y) = (span.from_us as f64 * scale, span.lane as f64 * LANE);
    let width = (span.length_us as f64 * scale).max(1.0);
    let name = minijinja::HtmlEscape(&span.name);
    let _ = write!(
        out,
        "<g><title>{name}: {:.1} s</title><rect class=\"bar\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{}\"/>",
        span.length_us as f64 / 1e6,
        y + 1.0,
        LANE - 2.0
    );
    if span.name.chars().count() as f64 * LETTER + 6.0 < width {
        let _ = write!(out, "<text class=\"on\" x=\"{:.1}\" y=\"{:.1}\">{name}</text>", x + 4.0, y + 15.0);
    }
    out.push_str("</g>");
}
