//! A program under `strace`: every call that may change files or sync changes, with all bytes.
//!
//! This module parses strace's output and does not interpret the calls. Any line that it cannot parse fails the test.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, Command, Stdio};

use super::tool;

/// The recorded calls. Those with a question mark do not exist on every platform.
const CALLS: &str = "?open,openat,?creat,read,write,pwrite64,writev,pwritev,pwritev2,lseek,truncate,ftruncate,\
     fallocate,fsync,fdatasync,?rename,?renameat,renameat2,?link,linkat,?unlink,unlinkat,copy_file_range,sendfile,\
     splice,mmap,?io_uring_setup";
/// The most bytes of a string that strace prints. No write is longer.
const LONGEST: &str = "67108864";

/// The output of strace, complete once the last observed process is gone.
pub(crate) struct Recording {
    file: PathBuf,
    /// Standard error of strace itself, which ends when strace does.
    stderr: ChildStderr,
}

/// A command that runs the program under strace, which writes to `file`; arguments may be added. The child's process id
/// is that of the program, so that it can be killed. The program's standard error goes to `log`; the child's is
/// strace's.
pub(crate) fn under_strace(program: &Path, file: &Path, log: &Path) -> Command {
    let mut command = Command::new(tool("WALLET_TEST_STRACE"));
    command.args([
        "-D",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-ttt",
        "-y",
        "-s",
        LONGEST,
        "-e",
        "signal=none",
        "-e",
    ]);
    command.arg(format!("trace={CALLS}")).arg("-o").arg(file);
    command.args(["--", "sh", "-c", r#"log=$1; shift; exec "$@" 2>>"$log""#, "sh"]).arg(log).arg(program);
    command.stderr(Stdio::piped());
    command
}

impl Recording {
    /// The recording of a child that was started by [`under_strace`], with its standard error.
    pub(crate) fn new(file: &Path, stderr: ChildStderr) -> Self {
        Self { file: file.to_owned(), stderr }
    }

    /// Waits until the last process is gone. Returns strace's output.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let mut stderr = String::new();
        self.stderr.read_to_string(&mut stderr).expect("strace ends");
        assert_eq!(stderr, "", "strace reported an error");
        fs::read(&self.file).expect("the output of strace")
    }
}

#[derive(Debug, Default)]
pub(crate) struct Call {
    pub(crate) process: u32,
    pub(crate) name: String,
    pub(crate) arguments: Vec<Argument>,
    /// The return value; `None` if the process was gone before the call returned.
    pub(crate) result: Option<i64>,
}

/// An argument: its strings, and the rest of its text.
#[derive(Debug, Default)]
pub(crate) struct Argument {
    pub(crate) words: String,
    pub(crate) strings: Vec<Vec<u8>>,
}

/// The begin or the end of a call, in microseconds of the system's clock. The order of moments is the order of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) at: u64,
    pub(crate) call: usize,
    pub(crate) ends: bool,
}

/// The calls, and the moments at which they began and ended.
pub(crate) fn read_calls(text: &[u8]) -> (Vec<Call>, Vec<Moment>) {
    let (mut calls, mut moments) = (Vec::new(), Vec::new());
    let mut under_way: HashMap<u32, (usize, Vec<u8>)> = HashMap::new();
    for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let (process, at, rest) = columns(line);
        if rest.starts_with(b"+++ ") || rest.starts_with(b"--- ") {
            continue;
        }
        if let Some(resumed) = rest.strip_prefix(b"<... ") {
            let (call, mut whole) = under_way.remove(&process).expect("a resumed call has begun");
            whole.extend(after(resumed, b" resumed>"));
            calls[call] = read_call(process, &whole);
            moments.push(Moment { at, call, ends: true });
            continue;
        }
        let call = calls.len();
        moments.push(Moment { at, call, ends: false });
        // A call under way when strace detaches from a killed process never ends.
        let begun = rest.strip_suffix(b" <unfinished ...>").or_else(|| rest.strip_suffix(b" <detached ...>"));
        if let Some(begun) = begun {
            under_way.insert(process, (call, begun.to_vec()));
            calls.push(Call::default());
        } else {
            calls.push(read_call(process, rest));
            moments.push(Moment { at, call, ends: true });
        }
    }
    for (process, (call, begun)) in under_way {
        calls[call] = read_call(process, &begun);
    }
    assert!(moments.is_sorted_by_key(|moment| moment.at), "the clock was put back while strace was looking");
    (calls, moments)
}

/// Process, microseconds, and the rest of a line.
fn columns(line: &[u8]) -> (u32, u64, &[u8]) {
    let (process, rest) = column(line);
    let (at, rest) = column(rest);
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    let seconds = at.split(|&byte| byte == b'.').map(number).collect::<Option<Vec<u64>>>();
    match (number(process).map(u32::try_from), seconds.as_deref()) {
        (Some(Ok(process)), Some([seconds, micros])) => (process, seconds * 1_000_000 + micros, rest),
        _ => panic!("not a line of strace: {}", String::from_utf8_lossy(&line[..line.len().min(200)])),
    }
}

/// The first column, and the rest of the line without leading spaces.
fn column(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
    (&line[..end], line[end..].trim_ascii_start())
}

fn after<'a>(text: &'a [u8], mark: &[u8]) -> &'a [u8] {
    let found = text.windows(mark.len()).position(|window| window == mark);
    &text[found.expect("strace's mark") + mark.len()..]
}

/// Parses `name(arguments) = result ...`.
fn read_call(process: u32, text: &[u8]) -> Call {
    let bracket = text.iter().position(|&byte| byte == b'(').expect("a call has arguments");
    let name = String::from_utf8_lossy(&text[..bracket]).into_owned();
    let (arguments, rest) = read_arguments(&text[bracket + 1..]);
    let result = String::from_utf8_lossy(rest);
    let result = result.trim_start().strip_prefix('=').map(str::trim_start);
    let digits = result.and_then(|result| result.split([' ', '<']).next());
    Call { process, name, arguments, result: digits.and_then(|digits| digits.parse().ok()) }
}

/// The arguments up to the closing bracket, and the text after it.
fn read_arguments(text: &[u8]) -> (Vec<Argument>, &[u8]) {
    let mut arguments = vec![Argument::default()];
    let (mut at, mut depth) = (0, 0);
    while at < text.len() {
        let byte = text[at];
        at += 1;
        let argument = arguments.last_mut().expect("there is always one");
        match byte {
            b'"' => {
                let (string, length) = read_string(&text[at..]);
                argument.strings.push(string);
                at += length;
                assert!(!text[at..].starts_with(b"..."), "strace has cut a string off");
                continue;
            }
            b')' if depth == 0 => return (arguments, &text[at..]),
            b',' if depth == 0 => {
                arguments.push(Argument::default());
                continue;
            }
            b' ' if depth == 0 && argument.words.is_empty() => continue,
            b'(' | b'[' | b'{' | b'<' => depth += 1,
            b')' | b']' | b'}' | b'>' => depth -= 1,
            _ => {}
        }
        argument.words.push(char::from(byte));
    }
    (arguments, &[])
}

/// A string in C notation, given without its first quote, and its length in the text.
fn read_string(text: &[u8]) -> (Vec<u8>, usize) {
    let mut string = Vec::new();
    let mut at = 0;
    loop {
        match text[at] {
            b'"' => return (string, at + 1),
            b'\\' => {
                at += 1;
                let digits =
                    text[at..].iter().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                string.push(match text[at] {
                    _ if digits > 0 => octal(&text[at..at + digits]),
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'v' => 0x0b,
                    b'f' => 0x0c,
                    plain @ (b'"' | b'\\' | b'\'' | b'<' | b'>') => plain,
                    other => panic!("strace does not write \\{}", char::from(other)),
                });
                at += digits.max(1);
            }
            byte => {
                string.push(byte);
                at += 1;
            }
        }
    }
}

fn octal(digits: &[u8]) -> u8 {
    digits.iter().fold(0, |value, digit| value * 8 + (digit - b'0'))
}
