use super::*;

const SCHEMA: &str = r#"
site = { type = "string", default = "{role}.{stage}.example" }
workers = { type = "integer", default = 1 }
gzip = { type = "boolean" }
peers = { type = "list" }
tls_key = { type = "text", secret = true, required = true }
"#;

fn check_sources(file: &str, kernel: &str) -> Result<Environment> {
    let schema: BTreeMap<String, Variable> = toml::from_str(SCHEMA).unwrap();
    let file = Source { name: "fw_cfg", table: parse("fw_cfg", file)? };
    let kernel = Source { name: KERNEL, table: parse_kernel(kernel, &schema)? };
    check(&schema, "web", &[file, kernel])
}

fn lines(file: &str, kernel: &str) -> Vec<String> {
    match check_sources(file, kernel) {
        Ok(environment) => environment.lines,
        Err(Error::Input(faults)) => faults,
        Err(other) => vec![other.to_string()],
    }
}

#[test]
fn defaults_follow_from_the_name_and_secrets_are_not_said() {
    assert_eq!(
        lines("host = 'PROD_web_2'\ntls_key = 'abc'", "console=ttyS0"),
        [
            "host = PROD_web_2 (role web, stage prod, number 2)",
            "site = \"web.prod.example\" (default)",
            "tls_key = (secret) (fw_cfg)",
            "workers = 1 (default)",
        ]
    );
}

#[test]
fn the_kernel_command_line_wins_and_is_read_by_type() {
    let kernel = "quiet rootbrew.env.workers=4 rootbrew.env.gzip=true \"rootbrew.env.site=a b\" rootbrew.env.peers=x,y \
                  rootbrew.env.network.address=10.0.2.15/24";
    let environment = check_sources("tls_key = 'k'\nworkers = 2", kernel).unwrap();
    assert_eq!(environment.network.address.as_deref(), Some("10.0.2.15/24"));
    assert_eq!(
        environment.lines[1..],
        [
            "gzip = true (kernel command line)",
            "peers = x, y (kernel command line)",
            "site = \"a b\" (kernel command line)",
            "tls_key = (secret) (fw_cfg)",
            "workers = 4 (kernel command line)",
        ]
    );
}

#[test]
fn all_faults_at_once() {
    let file = "host = ''\nworkers = 'many'\nwrokers = 2\nsite = \"a\\nb\"\n[network]\naddress = 1";
    assert_eq!(
        lines(file, "rootbrew.env.tls_key=abc rootbrew.env.gzip=yes"),
        [
            "host (fw_cfg): must be 1 to 63 letters, digits, `-`, `_` or `.`",
            "network.address (fw_cfg): must be one of `address`, `gateway`, `nameservers`, a string or strings",
            "wrokers (fw_cfg): the role has no such name; it has `host`, `network`, `gzip`, `peers`, `site`, `tls_key`, `workers`",
            "gzip (kernel command line): must be true or false, is string",
            "site (fw_cfg): must be a string of one line, is string",
            "tls_key: a secret may not stand on the kernel command line, which every process can read",
            "workers (fw_cfg): must be an integer, is string",
        ]
    );
}

#[test]
fn what_is_required_is_asked_for() {
    assert_eq!(lines("", ""), ["tls_key: required, and no source gives it"]);
}

#[test]
fn a_fault_of_the_text_names_its_line_and_not_its_content() {
    let fault = lines("workers = 1\ntls_key = 'hidden\n", "").join("\n");
    assert!(fault.starts_with("fw_cfg: line 2: "), "{fault}");
    assert!(!fault.contains("hidden"), "{fault}");
}
