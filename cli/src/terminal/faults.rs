//! Faults, drawn: the person's text with the place underlined.

use kegs::{Fault, Faults};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, ThemeCharacters, ThemeStyles,
};

use super::{data, talk};

pub fn print(faults: &Faults, json: bool) {
    for fault in &faults.0 {
        if json { data(&line(fault)) } else { talk(draw(fault, miette::Severity::Error).trim_end()) }
    }
    if !json && faults.0.len() > 1 {
        talk(&format!("{} faults", faults.0.len()));
    }
}

fn line(fault: &Fault) -> String {
    let (line, column) = fault.text.position(fault.span.start);
    serde_json::json!({
        "event": "fault",
        "id": fault.id,
        "file": fault.text.path.display().to_string(),
        "line": line,
        "column": column,
        "message": fault.message,
        "label": fault.label,
        "help": fault.help,
    })
    .to_string()
}

pub fn draw(fault: &Fault, severity: miette::Severity) -> String {
    let label = (!fault.label.is_empty()).then(|| fault.label.clone());
    let span = LabeledSpan::new(label, fault.span.start, fault.span.len());
    let mut diagnostic =
        miette::MietteDiagnostic::new(&fault.message).with_label(span).with_severity(severity);
    if let Some(id) = fault.id {
        diagnostic = diagnostic.with_code(id);
    }
    if let Some(help) = &fault.help {
        diagnostic = diagnostic.with_help(help);
    }
    let source = NamedSource::new(fault.text.path.display().to_string(), fault.text.content.to_string());
    let report = miette::Report::new(diagnostic).with_source_code(source);
    let styles = match std::io::IsTerminal::is_terminal(&std::io::stderr())
        && std::env::var_os("NO_COLOR").is_none()
    {
        true => ThemeStyles::ansi(),
        false => ThemeStyles::none(),
    };
    let theme = GraphicalTheme { characters: ThemeCharacters::unicode(), styles };
    let mut drawn = String::new();
    // A text that can't be drawn is still said in one line.
    match GraphicalReportHandler::new_themed(theme).with_width(110).render_report(&mut drawn, report.as_ref())
    {
        Ok(()) => drawn,
        Err(_) => fault.to_string(),
    }
}
