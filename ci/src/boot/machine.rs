//! The machine that QEMU makes, as its arguments. Pure.
//!
//! q35 and not microvm: under emulation on a busy host microvm hung in 13 of 18 boots, q35 in none.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::{Accelerator, Boot, Console};

pub(super) const PROGRAM: &str = "qemu-system-x86_64";
/// Where the agent finds the environment: `/sys/firmware/qemu_fw_cfg/by_name/<this>/raw`.
const ENVIRONMENT: &str = "opt/org.rootbrew/environment.toml";

/// The machine of a boot. `ports` is guest port to host port; `environment` is a file.
pub(super) fn arguments(
    boot: &Boot,
    accelerator: &Accelerator,
    ports: &BTreeMap<u16, u16>,
    environment: &Path,
) -> Vec<OsString> {
    let mut words = bare(&boot.kernel, &cmdline(boot, accelerator), accelerator);
    words.extend([
        "-m".into(),
        boot.memory_mb.to_string().into(),
        "-smp".into(),
        boot.cpus.to_string().into(),
    ]);
    words.extend(["-drive".into(), option("if=none,id=root,format=raw,readonly=on,file=", &boot.root)]);
    words.extend(["-device", "virtio-blk-pci,drive=root"].map(OsString::from));
    words.extend(boot.data.iter().flat_map(|file| data(file)));
    words.extend(boot.volume.iter().flat_map(|file| read_only("env", "rootbrew-env", file)));
    words.extend(boot.debug.iter().flat_map(|file| read_only("debug", "rootbrew-debug", file)));
    words.extend(["-netdev".into(), network(ports).into()]);
    // No ROM: the firmware would try to boot from the network.
    words.extend(["-device", "virtio-net-pci,netdev=net,romfile="].map(OsString::from));
    // Without it the first TLS answer takes 4.3 s: getrandom waits until the pool is seeded.
    words.extend(["-device", "virtio-rng-pci"].map(OsString::from));
    words.extend(["-fw_cfg".into(), option(&format!("name={ENVIRONMENT},file="), environment)]);
    words.extend(boot.observe.iter().flat_map(|file| port("file", "observe", file)));
    words.extend(boot.control.iter().flat_map(|socket| port("socket,server=on,wait=off", "control", socket)));
    words.extend(boot.monitor.iter().flat_map(|socket| monitor(socket)));
    words
}

fn monitor(socket: &Path) -> [OsString; 4] {
    [
        "-chardev".into(),
        option("socket,server=on,wait=off,id=monitor,path=", socket),
        "-mon".into(),
        "chardev=monitor,mode=control".into(),
    ]
}

/// The agent finds it by its serial.
fn data(file: &Path) -> [OsString; 4] {
    [
        "-drive".into(),
        option("if=none,id=data,format=raw,discard=unmap,file=", file),
        "-device".into(),
        "virtio-blk-pci,drive=data,serial=rootbrew-data".into(),
    ]
}

fn read_only(id: &str, serial: &str, file: &Path) -> [OsString; 4] {
    [
        "-drive".into(),
        option(&format!("if=none,id={id},format=raw,readonly=on,file="), file),
        "-device".into(),
        format!("virtio-blk-pci,drive={id},serial={serial}").into(),
    ]
}

/// A port of its own, so that the console stays as it is: for what the agent observes, and for words to it.
fn port(kind: &str, name: &str, path: &Path) -> [OsString; 6] {
    [
        "-chardev".into(),
        option(&format!("{kind},id={name},path="), path),
        "-device".into(),
        format!("virtio-serial-pci,id={name}-bus").into(),
        "-device".into(),
        format!("virtserialport,bus={name}-bus.0,chardev={name},name=org.rootbrew.{name}").into(),
    ]
}

/// A kernel and a console and nothing else.
pub(super) fn bare(kernel: &Path, cmdline: &str, accelerator: &Accelerator) -> Vec<OsString> {
    let (accelerated, cpu) = match accelerator {
        Accelerator::Kvm => ("kvm", "host"),
        Accelerator::Emulated(_) => ("tcg", "max"),
    };
    // With graphics (and no card for them) the firmware leaves the serial line alone.
    let machine = format!("q35,accel={accelerated},sata=off,smbus=off,vmport=off,usb=off");
    let mut words = [PROGRAM, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
        .map(OsString::from)
        .to_vec();
    words.extend(["-machine", &machine, "-cpu", cpu].map(OsString::from));
    words.extend(
        ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"].map(OsString::from),
    );
    words.extend(["-kernel".into(), kernel.into(), "-append".into(), cmdline.into()]);
    words
}

fn cmdline(boot: &Boot, accelerator: &Accelerator) -> String {
    let mut words = vec!["console=ttyS0", "root=/dev/vda", "ro", "rootfstype=erofs", "panic=1"];
    words.extend(matches!(boot.console, Console::Quiet).then_some("quiet"));
    words.extend(clocks(boot, accelerator));
    words.extend(boot.debug.is_some().then_some("rootbrew.debug"));
    words.extend(boot.cmdline.iter().map(String::as_str));
    words.join(" ")
}

/// What a kernel under emulation must be told of its clocks.
///
/// The time stamp counter is the host's: on a busy host the kernel measures it wrong (1 of 20 boots took 29 s by the
/// guest's clock and 4 by ours), so the HPET counts. And 0.2 s of the boot go into measuring the processor's timer and
/// testing another's interrupt; with one processor the chipset's timer does, several need their own.
fn clocks(boot: &Boot, accelerator: &Accelerator) -> &'static [&'static str] {
    match (accelerator, boot.cpus) {
        (Accelerator::Kvm, _) => &[],
        (Accelerator::Emulated(_), 1) => &["tsc=unstable", "nolapic_timer", "no_timer_check"],
        (Accelerator::Emulated(_), _) => &["tsc=unstable"],
    }
}

fn network(ports: &BTreeMap<u16, u16>) -> String {
    // Which of the two a port speaks is the role's affair: nobody listens on the other.
    let forward = |(guest, host): (&u16, &u16)| {
        format!(",hostfwd=tcp:127.0.0.1:{host}-:{guest},hostfwd=udp:127.0.0.1:{host}-:{guest}")
    };
    format!("user,id=net{}", ports.iter().map(forward).collect::<String>())
}

/// QEMU splits options at commas; in a value a comma is written twice.
fn option(before: &str, path: &Path) -> OsString {
    let mut bytes = before.as_bytes().to_vec();
    for &byte in OsStr::as_bytes(path.as_os_str()) {
        bytes.extend(std::iter::repeat_n(byte, if byte == b',' { 2 } else { 1 }));
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_web_guest() {
        let boot = Boot {
            kernel: "/k/vmlinuz".into(),
            root: "/images/a,b.erofs".into(),
            data: None,
            debug: None,
            memory_mb: 32,
            cpus: 1,
            cmdline: vec!["init=/sbin/agent".into()],
            environment: Vec::new(),
            ports: vec![],
            console: Console::Quiet,
            observe: None,
            control: None,
            volume: None,
            monitor: None,
        };
        let ports = BTreeMap::from([(80, 40080), (443, 40443)]);
        let words = arguments(&boot, &Accelerator::Emulated(String::new()), &ports, Path::new("/tmp/e"));
        let lines: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        expect![[r#"
            qemu-system-x86_64
            -nodefaults
            -no-user-config
            -display
            none
            -no-reboot
            -machine
            q35,accel=tcg,sata=off,smbus=off,vmport=off,usb=off
            -cpu
            max
            -chardev
            stdio,id=console,signal=off
            -serial
            chardev:console
            -kernel
            /k/vmlinuz
            -append
            console=ttyS0 root=/dev/vda ro rootfstype=erofs panic=1 quiet tsc=unstable nolapic_timer no_timer_check init=/sbin/agent
            -m
            32
            -smp
            1
            -drive
            if=none,id=root,format=raw,readonly=on,file=/images/a,,b.erofs
            -device
            virtio-blk-pci,drive=root
            -netdev
            user,id=net,hostfwd=tcp:127.0.0.1:40080-:80,hostfwd=udp:127.0.0.1:40080-:80,hostfwd=tcp:127.0.0.1:40443-:443,hostfwd=udp:127.0.0.1:40443-:443
            -device
            virtio-net-pci,netdev=net,romfile=
            -device
            virtio-rng-pci
            -fw_cfg
            name=opt/org.rootbrew/environment.toml,file=/tmp/e"#]]
        .assert_eq(&lines.join("\n"));
    }
}
