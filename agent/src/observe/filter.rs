//! A seccomp filter that stops at calls with a path and lets all others run at full speed.
//!
//! ```text
//! load arch;  not ours? allow
//! load number;  = one of ours? trace    (a line each)
//! allow
//! ```

use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter};

use super::call;

/// `offsetof(struct seccomp_data, nr)` and `arch`.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
/// linux/audit.h
#[cfg(target_arch = "x86_64")]
const OURS: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const OURS: u32 = 0xc000_00b7;

fn line(code: u32, yes: u8, no: u8, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt: yes, jf: no, k }
}

/// The program, of at most 30 lines.
pub fn program() -> Vec<sock_filter> {
    let equals = |k, yes, no| line(BPF_JMP | BPF_JEQ | BPF_K, yes, no, k);
    let load = |at| line(BPF_LD | BPF_W | BPF_ABS, 0, 0, at);
    let end = |what| line(BPF_RET | BPF_K, 0, 0, what);
    let numbers: Vec<u32> = call::all().map(|known| known.number as u32).collect();
    let count = numbers.len() as u8;
    // Jumps count lines that are left out; `trace` is the last line, `allow` the one before it.
    let mut program = vec![load(ARCH), equals(OURS, 0, count + 1), load(NUMBER)];
    program.extend(numbers.iter().zip(0..).map(|(number, at)| equals(*number, count - at, 0)));
    program.extend([end(libc::SECCOMP_RET_ALLOW), end(libc::SECCOMP_RET_TRACE)]);
    program
}
