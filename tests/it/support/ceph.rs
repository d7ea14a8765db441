//! A real S3: Ceph of one monitor, one store in memory and its gateway, on ports of its own. It checks signatures, and what
//! it makes conditional is: of many that create or replace one object, one wins.
//!
//! Of what Debian packages, the one that does that: s3s-fs looks and then writes (of 60 races it had two winners in 53).

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::Ran;

pub const ACCESS: &str = "testkey";
pub const SECRET: &str = "a secret that nobody may say";
const UP_MAX: Duration = Duration::from_secs(120);

pub struct Ceph {
    folder: tempfile::TempDir,
    children: Vec<Child>,
    pub port: u16,
}

static NOW: Mutex<Weak<Ceph>> = Mutex::new(Weak::new());

/// One for all tests that are at work.
pub fn ceph() -> Arc<Ceph> {
    let mut now = NOW.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(ceph) = now.upgrade() {
        return ceph;
    }
    let ceph = Arc::new(Ceph::start());
    *now = Arc::downgrade(&ceph);
    ceph
}

impl Ceph {
    fn start() -> Ceph {
        let folder = tempfile::tempdir().expect("a folder");
        let (monitor, port) = (free_port(), free_port());
        let mut ceph = Ceph { folder, children: Vec::new(), port };
        ceph.configure(monitor);
        ceph.run("ceph-mon", &["--mkfs", "-i", "a", "--monmap", "monmap", "--keyring", "keyring"]);
        ceph.spawn("ceph-mon", &["-i", "a", "-f"]);
        let uuid = fs::read_to_string("/proc/sys/kernel/random/uuid").expect("a number of its own");
        ceph.run("ceph", &["--connect-timeout", "60", "osd", "new", uuid.trim()]);
        ceph.run("ceph-osd", &["-i", "0", "--mkfs", "--osd-uuid", uuid.trim()]);
        ceph.spawn("ceph-osd", &["-i", "0", "-f"]);
        ceph.spawn("radosgw", &["-n", "client.rgw", "-f"]);
        let begun = Instant::now();
        while !ceph.answers("GET", "").0 {
            assert!(
                begun.elapsed() < UP_MAX,
                "the gateway does not answer: {}",
                ceph.folder.path().display()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
        let user = ["-n", "client.rgw", "user", "create", "--uid=test", "--display-name=test"];
        let keys = [format!("--access-key={ACCESS}"), format!("--secret={SECRET}")];
        ceph.run("radosgw-admin", &[&user[..], &[&keys[0], &keys[1]]].concat());
        ceph
    }

    fn configure(&self, monitor: u16) {
        let folder = self.folder.path();
        let here = folder.display();
        let conf = format!(
            "[global]\nfsid = 5ebbb2f1-8d0a-4ab6-9c9c-2f5f1d3c7a10\nmon host = [v2:127.0.0.1:{monitor}]\nkeyring = {here}/keyring\n\
             osd pool default size = 1\nosd pool default min size = 1\nosd pool default pg num = 1\nosd pool default pgp num = 1\n\
             osd crush chooseleaf type = 0\nmon allow pool size one = true\nosd objectstore = memstore\n\
             memstore device bytes = 4294967296\nrun dir = {here}\nlog file = {here}/$name.log\nadmin socket = {here}/$name.$pid.asok\n\
             pid file = {here}/$name.pid\n[mon.a]\nmon data = {here}/mon\nmon data avail crit = 1\nmon data avail warn = 1\n\
             [osd]\nosd data = {here}/osd\n[client.rgw]\nrgw frontends = beast endpoint=127.0.0.1:{}\nrgw data = {here}/rgw\n",
            self.port
        );
        fs::write(folder.join("ceph.conf"), conf).expect("a file");
        ["mon", "osd", "rgw"].iter().for_each(|name| fs::create_dir(folder.join(name)).expect("a folder"));
        let all = ["--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *"];
        for name in ["mon.", "client.admin", "osd.0", "client.rgw"] {
            let create: &[&str] = if name == "mon." { &["--create-keyring"] } else { &[] };
            let key = [create, &["keyring", "--gen-key", "-n", name], &all].concat();
            Ran::of(Command::new("ceph-authtool").args(key).current_dir(folder)).expect(0);
        }
        let address = format!("[v2:127.0.0.1:{monitor}]");
        let map =
            ["--create", "--fsid", "5ebbb2f1-8d0a-4ab6-9c9c-2f5f1d3c7a10", "--addv", "a", &address, "monmap"];
        Ran::of(Command::new("monmaptool").args(map).current_dir(folder)).expect(0);
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(["-c", "ceph.conf"]).args(arguments).current_dir(self.folder.path());
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        Ran::of(&mut self.command(program, arguments)).expect(0);
    }

    fn spawn(&mut self, program: &str, arguments: &[&str]) {
        let mut command = self.command(program, arguments);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.children.push(child.unwrap_or_else(|error| panic!("{program}: {error}; ./ci/test installs it")));
    }

    /// By curl, which signs as we do not: whether it was done, and what was said.
    pub fn answers(&self, method: &str, path: &str) -> (bool, String) {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--fail-with-body", "-m", "10", "--noproxy", "*", "-X", method]);
        curl.args(["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", &format!("{ACCESS}:{SECRET}")]);
        // Of nothing.
        curl.args([
            "-H",
            "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ]);
        if path.is_empty() {
            curl = Command::new("curl");
            curl.args(["-sS", "--fail", "-m", "2", "--noproxy", "*"]);
        }
        let ran = curl.arg(format!("http://127.0.0.1:{}/{path}", self.port)).output().expect("curl");
        (ran.status.success(), String::from_utf8_lossy(&ran.stdout).into_owned())
    }

    /// A new bucket, and what asks it.
    pub fn bucket(&self, name: &str) -> BTreeMap<String, String> {
        let (made, said) = self.answers("PUT", name);
        assert!(made, "no bucket {name}: {said}");
        self.environment(self.port)
    }

    pub fn environment(&self, port: u16) -> BTreeMap<String, String> {
        [
            ("AWS_ACCESS_KEY_ID", ACCESS.to_string()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_string()),
            ("AWS_REGION", "us-east-1".to_string()),
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
        ]
        .map(|(name, value)| (name.to_string(), value))
        .into()
    }
}

impl Drop for Ceph {
    fn drop(&mut self) {
        for child in &mut self.children {
            // One that ended already is what we want.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}
