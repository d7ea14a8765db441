//! A machine's start as a picture, by its own events: the agent's parts one after the other, then each service, from what it
//! waited for until it was ready.
//!
//! ```text
//! kernel      ██████████████████ 812 ms
//! mounts                        █ 3 ms
//! certs                          ░░▒▒▒▒█          waits, starts, is ready
//! nginx                          ░░░░░░└░▒▒█      the line: it waited for `certs`
//!             0      200     400     600   ms
//! ```
//! The events are a guest's, who may say anything: names of another alphabet than services have are passed over.

use std::fmt::Write;

use super::timeline::{WIDTH_PX, head, label, rectangle};

const LEFT_PX: f64 = 150.0;
/// For the words behind the last bar.
const RIGHT_PX: f64 = 150.0;
const TOP_PX: f64 = 44.0;
const ROW_PX: f64 = 22.0;
const BAR_PX: f64 = 15.0;
/// Of a machine that says more, the rest is not drawn.
const ROWS_MAX: usize = 200;
/// What the colours mean, in the order of a start.
const LEGEND: [(&str, &str); 5] = [
    ("kernel", "#c8c8d0"),
    ("the agent", "#c8b890"),
    ("waits for others", "#f0e4c0"),
    ("starts", "#a8c8e8"),
    ("ready", "#90c890"),
];

#[derive(Debug, Default, PartialEq)]
struct Start {
    /// Name, from, until.
    parts: Vec<(String, f64, f64)>,
    services: Vec<Service>,
    /// The agent's word.
    ready_ms: Option<f64>,
}

#[derive(Debug, Default, PartialEq)]
struct Service {
    name: String,
    /// The first of them before it started.
    waits_for: Vec<String>,
    waits_ms: Option<f64>,
    started_ms: Option<f64>,
    ready_ms: Option<f64>,
}

pub fn svg(role: &str, events: &[String]) -> String {
    let start = read(events);
    let end_ms = start.end_ms();
    let scale = (WIDTH_PX - LEFT_PX - RIGHT_PX) / end_ms;
    let rows = start.parts.len() + start.services.len();
    let axis_y = TOP_PX + rows as f64 * ROW_PX + 6.0;
    let mut text = head(axis_y + 30.0);
    legend(&mut text, role, &start);
    axis(&mut text, end_ms, scale, axis_y);
    for (at, part) in start.parts.iter().enumerate() {
        draw_part(&mut text, part, row_y(at), scale);
    }
    for (at, service) in start.services.iter().enumerate() {
        let y = row_y(start.parts.len() + at);
        draw_service(&mut text, service, y, scale, end_ms);
        waited(&mut text, &start, service, y, scale);
    }
    if let Some(ready_ms) = start.ready_ms {
        let x = LEFT_PX + ready_ms * scale;
        line(&mut text, (x, TOP_PX - 4.0), (x, axis_y), "stroke=\"#2a7a2a\" stroke-width=\"1.5\"");
    }
    text.push_str("</svg>\n");
    text
}

fn row_y(row: usize) -> f64 {
    TOP_PX + row as f64 * ROW_PX
}

/// What the events say of the start: the first of each kind, up to the word `ready`.
fn read(events: &[String]) -> Start {
    let mut start = Start::default();
    let mut from_ms = 0.0;
    for (at_ms, words) in events.iter().filter_map(|event| event.split_once(' ')) {
        let Ok(at_ms) = at_ms.parse::<u32>().map(f64::from) else { continue };
        if let Some(part) = words.strip_prefix("start: ").and_then(|rest| rest.strip_suffix(" done")) {
            start.part(part, from_ms, at_ms);
            from_ms = at_ms;
        } else if words.starts_with("ready ") || words.starts_with("not ready: ") {
            start.ready_ms = words.starts_with("ready ").then_some(at_ms);
            break;
        } else if let Some((service, what)) = words.split_once(": ") {
            start.service(service, what, at_ms);
        }
    }
    start
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    (1..=64).contains(&name.len()) && name.chars().all(fits)
}

impl Start {
    /// One of no time is not drawn; one that goes on is drawn once.
    fn part(&mut self, name: &str, from_ms: f64, until_ms: f64) {
        let again = until_ms == from_ms && self.parts.iter().any(|(known, ..)| known == name);
        let more = !again && is_name(name) && self.parts.len() < ROWS_MAX;
        match self.parts.last_mut() {
            Some((last, _, until)) if last == name => *until = until_ms,
            _ if more => self.parts.push((name.to_string(), from_ms, until_ms)),
            _ => {}
        }
    }

    fn service(&mut self, name: &str, what: &str, at_ms: f64) {
        let others = what.strip_prefix("waits for ");
        if !is_name(name) || !(others.is_some() || matches!(what, "started" | "ready" | "done")) {
            return;
        }
        let at = match self.services.iter().position(|service| service.name == name) {
            Some(at) => at,
            None if self.services.len() < ROWS_MAX => {
                self.services.push(Service { name: name.to_string(), ..Service::default() });
                self.services.len() - 1
            }
            None => return,
        };
        let service = &mut self.services[at];
        match (others, what) {
            (Some(others), _) => {
                service.waits_for =
                    others.split(", ").filter(|name| is_name(name)).map(str::to_string).collect();
                service.waits_ms = Some(at_ms);
            }
            (None, "started") => _ = service.started_ms.get_or_insert(at_ms),
            _ => _ = service.ready_ms.get_or_insert(at_ms),
        }
    }

    fn end_ms(&self) -> f64 {
        let parts = self.parts.iter().map(|(_, _, until)| *until);
        let services = self.services.iter().flat_map(|service| [service.started_ms, service.ready_ms]);
        parts.chain(services.flatten()).chain(self.ready_ms).fold(1.0, f64::max)
    }
}

fn legend(text: &mut String, role: &str, start: &Start) {
    let how = start
        .ready_ms
        .map_or("is not ready".to_string(), |ms| format!("is ready {ms:.0} ms after the kernel's start"));
    label(text, (LEFT_PX, 16.0), "start", &format!("{role} {how}"));
    for (at, (word, fill)) in LEGEND.iter().enumerate() {
        let x = LEFT_PX + 330.0 + at as f64 * 115.0;
        rectangle(text, (x, 6.0), (12.0, 12.0), &style(fill), word);
        label(text, (x + 17.0, 16.0), "start", word);
    }
}

fn style(fill: &str) -> String {
    format!("fill=\"{fill}\" stroke=\"#456\" stroke-width=\"0.5\"")
}

fn draw_part(text: &mut String, (name, from, until): &(String, f64, f64), y: f64, scale: f64) {
    let fill = LEGEND[usize::from(name != "kernel")].1;
    let ms = until - from;
    label(text, (LEFT_PX - 8.0, y + 12.0), "end", name);
    bar(text, (*from, *until), y, scale, fill, &format!("{name} {ms:.0} ms"));
    label(text, (LEFT_PX + until * scale + 5.0, y + 12.0), "start", &format!("{ms:.0} ms"));
}

fn draw_service(text: &mut String, service: &Service, y: f64, scale: f64, end_ms: f64) {
    let Service { name, waits_ms, started_ms, ready_ms, .. } = service;
    let (started, ready) = (started_ms.unwrap_or(end_ms), ready_ms.unwrap_or(end_ms));
    label(text, (LEFT_PX - 8.0, y + 12.0), "end", name);
    if let Some(waits) = waits_ms {
        let title = format!("{name} waits for {} {:.0} ms", service.waits_for.join(", "), started - waits);
        bar(text, (*waits, started), y, scale, LEGEND[2].1, &title);
    }
    if started_ms.is_some() {
        bar(
            text,
            (started, ready),
            y,
            scale,
            LEGEND[3].1,
            &format!("{name} starts {:.0} ms", ready - started),
        );
    }
    let words = match (started_ms, ready_ms) {
        (_, Some(_)) => {
            bar(text, (ready, end_ms), y, scale, LEGEND[4].1, &format!("{name} is ready at {ready:.0} ms"));
            format!("{:.0} ms, ready at {ready:.0}", ready - started)
        }
        (Some(_), None) => "not ready".to_string(),
        (None, None) => "not started".to_string(),
    };
    label(text, (LEFT_PX + end_ms * scale + 5.0, y + 12.0), "start", &words);
}

/// From the readiness of each that it waited for down or up to its start.
fn waited(text: &mut String, start: &Start, service: &Service, y: f64, scale: f64) {
    let Some(started_ms) = service.started_ms else { return };
    for name in &service.waits_for {
        let other = start.services.iter().position(|other| other.name == *name);
        let Some((at, ready_ms)) = other.and_then(|at| Some((at, start.services[at].ready_ms?))) else {
            continue;
        };
        let from = (LEFT_PX + ready_ms * scale, row_y(start.parts.len() + at) + BAR_PX);
        let to = (LEFT_PX + started_ms * scale, y + BAR_PX / 2.0);
        line(text, from, (from.0, to.1), WAITED);
        line(text, (from.0, to.1), to, WAITED);
        writeln!(text, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.5\" fill=\"#a04020\"/>", from.0, from.1).ok();
    }
}

const WAITED: &str = "stroke=\"#a04020\" stroke-width=\"1\"";

fn bar(text: &mut String, (from, until): (f64, f64), y: f64, scale: f64, fill: &str, title: &str) {
    let width = ((until - from) * scale).max(1.0);
    rectangle(text, (LEFT_PX + from * scale, y), (width, BAR_PX), &style(fill), title);
}

fn line(text: &mut String, from: (f64, f64), to: (f64, f64), style: &str) {
    // Writing to a string can't fail.
    writeln!(
        text,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" {style}/>",
        from.0, from.1, to.0, to.1
    )
    .ok();
}

fn axis(text: &mut String, end_ms: f64, scale: f64, y: f64) {
    let steps = [10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0];
    let step_ms = steps.into_iter().find(|step| end_ms / step <= 15.0).unwrap_or(60_000.0);
    let mut at_ms = 0.0;
    while at_ms <= end_ms {
        let x = LEFT_PX + at_ms * scale;
        line(text, (x, TOP_PX - 4.0), (x, y + 4.0), "stroke=\"#0002\"");
        label(text, (x, y + 16.0), "middle", &format!("{at_ms:.0}"));
        at_ms += step_ms;
    }
    label(text, (LEFT_PX - 8.0, y + 16.0), "end", "ms");
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [&str; 12] = [
        "800 start: kernel done",
        "803 start: mounts done",
        "804 host = DEV_web_1 (role web, stage dev, number 1)",
        "810 start: environment done",
        "812 start: environment done",
        "813 nginx: waits for certs, <evil>",
        "813 certs: started",
        "813 <script>: started",
        "840 certs: done",
        "841 nginx: started",
        "870 nginx: ready",
        "870 ready 870 ms web certs nginx",
    ];

    #[test]
    fn who_waited_for_whom() {
        let events = EVENTS.map(str::to_string);
        let start = read(&events);
        assert_eq!(start.parts.len(), 3);
        assert_eq!(start.parts[2], ("environment".into(), 803.0, 812.0));
        let nginx = Service {
            name: "nginx".into(),
            waits_for: vec!["certs".into()],
            waits_ms: Some(813.0),
            started_ms: Some(841.0),
            ready_ms: Some(870.0),
        };
        assert_eq!(start.services[0], nginx);
        assert_eq!(start.services.len(), 2);
        let picture = svg("web", &events);
        for word in [
            "nginx waits for certs 28 ms",
            "certs starts 27 ms",
            ">ms<",
            "web is ready 870 ms after",
            ">kernel<",
        ] {
            assert!(picture.contains(word), "{word} in {picture}");
        }
        assert!(!picture.contains("script") && !picture.contains("evil"));
    }

    #[test]
    fn no_events_are_a_picture_too() {
        assert!(svg("web", &[]).ends_with("</svg>\n"));
        assert!(
            svg("web", &["x".into(), "1 start:  done".into(), "1 a: started".into()]).contains("not ready")
        );
    }
}
