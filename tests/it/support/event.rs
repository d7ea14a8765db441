//! The events of a `--json` run, to be counted and looked at.

use serde_json::Value;

use super::Ran;

pub struct Events(Vec<Value>);

impl Events {
    /// Every line of standard output must be one JSON object; of a run that was killed, the last may be cut.
    #[track_caller]
    pub fn of(ran: &Ran) -> Events {
        let lines = ran.out.lines();
        Events(
            lines
                .map(|line| {
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{ran}"))
                })
                .collect(),
        )
    }

    /// The kegs of all events of a kind, in their order.
    pub fn kegs(&self, kind: &str) -> Vec<String> {
        self.with(kind).filter_map(|event| Some(event["keg"].as_str()?.to_string())).collect()
    }

    pub fn with(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |event| event["event"] == kind)
    }

    /// `why` of a keg's failure.
    #[track_caller]
    pub fn why(&self, keg: &str) -> String {
        let failed = self.with("failed").find(|event| event["keg"] == keg);
        let failed = failed.unwrap_or_else(|| panic!("`{keg}` did not fail: {:#?}", self.0));
        failed["why"].as_str().unwrap_or_default().to_string()
    }
}
