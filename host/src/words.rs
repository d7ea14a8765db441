//! What follows from a host's name: `{host}` `{role}` `{stage}` `{number}`. Pure.
//!
//! ```text
//! DEV_web_1     stage dev   role web        number 1
//! prod-web-eu-3 stage prod  role web-eu     number 3
//! web           stage dev   role web        number 1
//! ```

/// The stages that a name may begin with, in any case. `dev` where none is said: nothing is production by accident.
const STAGES: [&str; 4] = ["dev", "test", "acc", "prod"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    pub host: String,
    pub role: String,
    pub stage: String,
    pub number: String,
}

pub fn derive(host: &str) -> Words {
    let mut parts: Vec<&str> = host.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    let stage = match parts.first().map(|part| part.to_lowercase()) {
        Some(first) if STAGES.contains(&first.as_str()) => {
            parts.remove(0);
            first
        }
        _ => STAGES[0].to_string(),
    };
    let number = match parts.last() {
        Some(last) if last.bytes().all(|byte| byte.is_ascii_digit()) => parts.pop().unwrap_or("1"),
        _ => "1",
    };
    Words { host: host.into(), role: parts.join("-").to_lowercase(), stage, number: number.into() }
}

impl Words {
    pub fn pairs(&self) -> [(&'static str, &str); 4] {
        [("host", &self.host), ("role", &self.role), ("stage", &self.stage), ("number", &self.number)]
    }

    /// Puts the words in the place of their braces; other braces stay.
    pub fn fill(&self, text: &str) -> String {
        let put = |text: String, (word, value): (&str, &str)| text.replace(&format!("{{{word}}}"), value);
        self.pairs().into_iter().fold(text.to_string(), put)
    }

    /// A host name by RFC 1123: `DEV_web_1` is `dev-web-1`.
    pub fn host_name(&self) -> String {
        self.host.to_lowercase().replace('_', "-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, expected: [&str; 3]) {
        let words = derive(host);
        assert_eq!([words.role.as_str(), &words.stage, &words.number], expected, "{host}");
    }

    #[test]
    fn names() {
        check("DEV_web_1", ["web", "dev", "1"]);
        check("prod-web-eu-3", ["web-eu", "prod", "3"]);
        check("Acc.proxy", ["proxy", "acc", "1"]);
        check("web", ["web", "dev", "1"]);
        check("web-02", ["web", "dev", "02"]);
        check("prod", ["", "prod", "1"]);
        check("", ["", "dev", "1"]);
        check("7", ["", "dev", "7"]);
    }

    #[test]
    fn words_fill_braces() {
        let words = derive("PROD_web_2");
        assert_eq!(words.fill("{role}{number}.{stage}.example {other}"), "web2.prod.example {other}");
        assert_eq!(words.host_name(), "prod-web-2");
    }
}
