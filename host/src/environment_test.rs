use super::*;

const SCHEMA: &str = r#"
site = { type = "string", default = "{role}.{stage}.example" }
workers = { type = "integer", default = 1, range = [1, 64] }
zone = { type = "string", pattern = "[a-z]+(-[a-z0-9]+)*" }
gzip = { type = "boolean" }
peers = { type = "list" }
tls_key = { type = "text", secret = true, required = true }
"#;

fn check_sources(file: &str, kernel: &str) -> Result<Environment, Vec<Fault>> {
    let schema: BTreeMap<String, Variable> = toml::from_str(SCHEMA).unwrap();
    let file = Source::parse("fw_cfg", file.as_bytes()).map_err(|fault| vec![fault])?;
    check(&schema, "web", &[file, Source::kernel(kernel, &schema)])
}

fn lines(file: &str, kernel: &str) -> Vec<String> {
    match check_sources(file, kernel) {
        Ok(environment) => environment.lines,
        Err(faults) => faults.iter().map(Fault::to_string).collect(),
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
    assert_eq!(environment.network.first.addresses, [("10.0.2.15".parse().unwrap(), 24)]);
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
            "network.address (fw_cfg): must be like \"10.0.2.15/24\", or a list",
            "wrokers (fw_cfg): the role has no such name; it has `host`, `log`, `network`, `gzip`, `peers`, `site`, `tls_key`, `workers`, `zone`",
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

#[test]
fn a_value_out_of_its_bounds_is_not_said() {
    let faults = lines("tls_key = 'k'\nworkers = 65\nzone = 'eu west'", "");
    assert_eq!(
        faults,
        ["workers (fw_cfg): must be 1 to 64", "zone (fw_cfg): must match [a-z]+(-[a-z0-9]+)*"]
    );
    assert!(
        lines("tls_key = 'k'\nworkers = 64\nzone = 'eu-1'", "")
            .contains(&"zone = \"eu-1\" (fw_cfg)".to_string())
    );
}

#[test]
fn what_is_no_text_is_refused_by_its_place() {
    let said = |bytes: &[u8]| Source::parse("volume", bytes).unwrap_err().to_string();
    assert_eq!(said(b"a = 1\n\xff"), "volume: line 1: not UTF-8");
    assert!(said(&vec![b'a'; 1 << 21]).starts_with("volume: line 1: larger than 1048576 bytes"));
}

#[test]
fn where_the_log_goes() {
    let check = |text: &str| {
        let source = Source::parse("fw_cfg", text.as_bytes()).unwrap();
        let environment = check(&BTreeMap::new(), "web", &[source]);
        environment.map(|found| found.log.syslog).map_err(|faults| faults[0].to_string())
    };
    let to = Syslog { tcp: false, to: "10.0.0.1:514".parse().unwrap() };
    assert_eq!(check("[log]\nsyslog = \"udp://10.0.0.1:514\""), Ok(Some(to)));
    assert_eq!(check("[log]"), Ok(None));
    let fault = "log.syslog (fw_cfg): must be `syslog`, as \"udp://10.0.0.1:514\" or \"tcp://[fd00::1]:601\"";
    for wrong in ["udp://logs.example:514", "http://10.0.0.1:514", "10.0.0.1:514", "tcp://10.0.0.1:0"] {
        assert_eq!(check(&format!("[log]\nsyslog = \"{wrong}\"")), Err(fault.into()));
    }
    let line = "rootbrew.env.log.syslog=tcp://[fd00::1]:601";
    let kernel = Source::kernel(line, &BTreeMap::new());
    assert!(super::check(&BTreeMap::new(), "web", &[kernel]).unwrap().log.syslog.unwrap().tcp);
}
