//! Charts: figures over time as SVG, drawn here since each is a hundred lines: no crate gives titles, descriptions, steps and
//! the page's own colours. Numbers only; classes and no styles, as the page forbids those; the same in a table beside it.

use std::fmt::Write;

use crate::report::figure::{Unit, said};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;
/// More than these are no picture any more: the newest are drawn.
pub const POINTS_MAX: usize = 400;
const TICKS: f64 = 4.0;
const DAY_S: u64 = 86_400;

pub struct Point {
    pub at_s: u64,
    pub value: u64,
    /// The worst sample, where there are several.
    pub high: u64,
    /// It stands there by going back.
    pub is_back: bool,
}

pub struct Chart<'a> {
    /// Of the page's elements; letters and digits.
    pub id: &'a str,
    pub title: &'a str,
    pub unit: Unit,
    /// In time's order.
    pub points: &'a [Point],
}

/// From data to pixels.
struct Scale {
    from_s: f64,
    span_s: f64,
    low: f64,
    high: f64,
}

impl Scale {
    fn x(&self, at_s: u64) -> f64 {
        LEFT + (at_s as f64 - self.from_s) / self.span_s * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        TOP + (self.high - value) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)
    }
}

/// `None` where there is nothing to draw.
pub fn line(chart: &Chart) -> Option<String> {
    let points = &chart.points[chart.points.len().saturating_sub(POINTS_MAX)..];
    let (first, last) = (points.first()?, points.last()?);
    let ticks = ticks(points);
    let scale = Scale {
        from_s: first.at_s as f64,
        span_s: last.at_s.saturating_sub(first.at_s).max(1) as f64,
        low: *ticks.first()?,
        high: *ticks.last()?,
    };
    let mut out = head(chart, points, first, last);
    axes(&mut out, chart.unit, &ticks, &scale, first.at_s, last.at_s);
    steps(&mut out, points, &scale);
    out.push_str("</svg>");
    Some(out)
}

fn head(chart: &Chart, points: &[Point], first: &Point, last: &Point) -> String {
    let Chart { id, title, unit, .. } = chart;
    let least = points.iter().map(|point| point.value).min().unwrap_or(0);
    let most = points.iter().map(|point| point.value).max().unwrap_or(0);
    format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-title {id}-text\">\
         <title id=\"{id}-title\">{title}</title><desc id=\"{id}-text\">{} points from {} to {}: {} first, {} last, {} at \
         least, {} at most.</desc>",
        points.len(),
        trust::print_time(first.at_s),
        trust::print_time(last.at_s),
        said(*unit, first.value),
        said(*unit, last.value),
        said(*unit, least),
        said(*unit, most),
    )
}

/// Round numbers around all values, a few of them, ascending.
fn ticks(points: &[Point]) -> Vec<f64> {
    let low = points.iter().map(|point| point.value).min().unwrap_or(0) as f64;
    let high = points.iter().map(|point| point.value.max(point.high)).max().unwrap_or(0) as f64;
    let wanted = ((high - low) / TICKS).max(high / 100.0).max(1.0);
    let power = 10_f64.powf(wanted.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|round| round * power).into_iter().find(|step| *step >= wanted);
    let step = step.unwrap_or(wanted);
    let (from, to) = ((low / step).floor() as i64, (high / step).ceil() as i64);
    (from..=to.max(from + 1)).map(|at| at as f64 * step).collect()
}

fn axes(out: &mut String, unit: Unit, ticks: &[f64], scale: &Scale, from_s: u64, to_s: u64) {
    let right = WIDTH - RIGHT;
    for tick in ticks {
        let y = scale.y(*tick);
        let label = said(unit, *tick as u64);
        // Writing to a String cannot fail, here and below.
        let _ = write!(
            out,
            "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/><text class=\"tick end\" x=\"{}\" y=\"{:.1}\">{label}</text>",
            LEFT - 6.0,
            y + 4.0
        );
    }
    let y = HEIGHT - 8.0;
    for (at_s, class) in [(from_s, "start"), (from_s + (to_s - from_s) / 2, "middle"), (to_s, "end")] {
        let x = scale.x(at_s);
        let label = day(at_s, to_s - from_s);
        let _ = write!(out, "<text class=\"tick {class}\" x=\"{x:.1}\" y=\"{y}\">{label}</text>");
        if from_s == to_s {
            break;
        }
    }
}

/// As much of a time as tells it from the others.
fn day(at_s: u64, span_s: u64) -> String {
    let time = trust::print_time(at_s);
    match span_s {
        0..900 => time[11..19].to_string(),
        900..DAY_S => time[11..16].to_string(),
        _ => time[..10].to_string(),
    }
}

/// A figure holds until the next one: steps, and a dot where each begins.
fn steps(out: &mut String, points: &[Point], scale: &Scale) {
    let mut path = String::new();
    for (at, point) in points.iter().enumerate() {
        let (x, y) = (scale.x(point.at_s), scale.y(point.value as f64));
        let _ = if at == 0 { write!(path, "M{x:.1} {y:.1}") } else { write!(path, "H{x:.1}V{y:.1}") };
    }
    let _ = write!(out, "<path class=\"line\" d=\"{path}\"/>");
    for point in points {
        let (x, y) = (scale.x(point.at_s), scale.y(point.value as f64));
        if point.high > point.value {
            let _ = write!(
                out,
                "<path class=\"spread\" d=\"M{x:.1} {y:.1}V{:.1}\"/>",
                scale.y(point.high as f64)
            );
        }
        let class = if point.is_back { "dot back" } else { "dot" };
        let _ = write!(out, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>");
    }
}

/// A line as high as the text it stands in; what it says, the text says too.
pub fn spark(values: &[u64]) -> Option<String> {
    let values = &values[values.len().saturating_sub(POINTS_MAX)..];
    let (low, high) = (*values.iter().min()?, *values.iter().max()?);
    if values.len() < 2 {
        return None;
    }
    let mut path = String::new();
    for (at, value) in values.iter().enumerate() {
        let x = 2.0 + at as f64 / (values.len() - 1) as f64 * 76.0;
        let y = if high == low { 9.0 } else { 16.0 - (value - low) as f64 / (high - low) as f64 * 14.0 };
        let _ = if at == 0 { write!(path, "M{x:.1} {y:.1}") } else { write!(path, "H{x:.1}V{y:.1}") };
    }
    Some(format!(
        "<svg class=\"spark\" viewBox=\"0 0 80 18\" aria-hidden=\"true\"><path class=\"line\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(u64, u64)]) -> Vec<Point> {
        values.iter().map(|&(at_s, value)| Point { at_s, value, high: value, is_back: false }).collect()
    }

    #[test]
    fn ticks_are_round_and_around_all() {
        let of = |values: &[(u64, u64)]| ticks(&points(values));
        assert_eq!(of(&[(0, 5_310_000), (1, 8_200_000)]), [5e6, 6e6, 7e6, 8e6, 9e6]);
        assert_eq!(of(&[(0, 7)]), [7.0, 8.0]);
        assert_eq!(of(&[(0, 0)]), [0.0, 1.0]);
        assert!(of(&[(0, u64::MAX), (1, 0)]).len() < 8);
    }

    #[test]
    fn a_chart_has_words() {
        let points = points(&[(0, 1_000), (86_400, 2_000), (172_800, 2_000)]);
        let svg = line(&Chart { id: "root", title: "Root", unit: Unit::Bytes, points: &points }).unwrap();
        for said in
            ["<title id=\"root-title\">Root</title>", "1.0 kB first, 2.0 kB last", "1970-01-02</text>"]
        {
            assert!(svg.contains(said), "{said}: {svg}");
        }
        assert!(line(&Chart { id: "x", title: "x", unit: Unit::Bytes, points: &[] }).is_none());
        assert!(spark(&[1]).is_none() && spark(&[1, 1]).is_some());
    }
}
