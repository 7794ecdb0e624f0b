//! Tests of the disk model and of the parser of strace's output, on traces written by hand.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::harness::Folder;

/// A trace of lines without process and time; the prefix `2: ` makes a line the second process's.
fn trace(lines: &[&str]) -> Trace {
    let mut text = String::new();
    for (n, line) in lines.iter().enumerate() {
        let (process, line) = line.split_once(": ").unwrap_or(("1", line));
        text += &format!("{process:<5} 1700000000.{n:06} {line}\n");
    }
    Trace::read(text.as_bytes(), &Folder { root: Path::new("/db"), ignored: &["lock"] })
}

/// The files before the trace: `old`, of 5 bytes.
fn base() -> TempDir {
    let base = tempfile::tempdir().unwrap();
    fs::write(base.path().join("old"), "12345").unwrap();
    base
}

/// The contents that a file may have after a power cut at the end of these lines, one per loss.
fn left(lines: &[&str], losses: impl Iterator<Item = Loss>, file: &str) -> BTreeSet<Option<String>> {
    let (base, copy, trace) = (base(), base(), trace(lines));
    let mut disk = Disk::new(base.path(), &trace);
    disk.go_to(trace.moments.len());
    losses
        .map(|mut loss| {
            disk.lay(copy.path(), &mut loss);
            fs::read(copy.path().join(file)).ok().map(|bytes| String::from_utf8(bytes).unwrap())
        })
        .collect()
}

/// The content of a file if all that is not certain is lost.
fn certain(lines: &[&str], file: &str) -> Option<String> {
    left(lines, [Loss::All].into_iter(), file).pop_first().unwrap()
}

/// Every content that the file may have.
fn possible(lines: &[&str], file: &str) -> BTreeSet<Option<String>> {
    left(lines, (0..200).map(|seed| Loss::Some(Rng::new(seed, 0))), file)
}

fn all<const N: usize>(these: [&str; N]) -> BTreeSet<Option<String>> {
    these.into_iter().map(|this| Some(this.to_owned())).collect()
}

const A: &str = r#"pwrite64(3</db/old>, "A", 1, 0) = 1"#;
const B: &str = r#"pwrite64(3</db/old>, "B", 1, 1) = 1"#;
const SYNC: &str = "fdatasync(3</db/old>) = 0";

#[test]
fn writes_after_the_last_sync_are_not_certain() {
    assert_eq!(certain(&[A, B], "old").unwrap(), "12345");
    assert_eq!(certain(&[A, SYNC, B], "old").unwrap(), "A2345");
    assert_eq!(certain(&[A, B, "fsync(4</db/old>) = 0"], "old").unwrap(), "AB345");
    assert_eq!(certain(&[A, "fdatasync(3</db/old>) = -1 EIO (Input/output error)"], "old").unwrap(), "12345");
    assert_eq!(certain(&[A, "fdatasync(3</db/other>) = 0", "fsync(4</db>) = 0"], "old").unwrap(), "12345");
    assert_eq!(possible(&[A, SYNC], "old"), all(["A2345"]));
}

#[test]
fn a_returned_sync_covers_the_writes_that_returned_before_it_began() {
    let begun = r#"2: pwrite64(3</db/old>, "A", 1, 0 <unfinished ...>"#;
    let ended = "2: <... pwrite64 resumed>) = 1";
    assert_eq!(certain(&[begun, SYNC, ended], "old").unwrap(), "12345");
    assert_eq!(certain(&[begun, ended, SYNC], "old").unwrap(), "A2345");
    assert_eq!(possible(&[begun], "old"), all(["12345", "A2345"]));
    let detached = r#"2: pwrite64(3</db/old>, "A", 1, 0 <detached ...>"#;
    assert_eq!(possible(&[detached], "old"), all(["12345", "A2345"]));
    let syncing = "fdatasync(3</db/old> <unfinished ...>";
    assert_eq!(certain(&[A, syncing], "old").unwrap(), "12345");
    let (synced, later) = ("<... fdatasync resumed>) = 0", r#"2: pwrite64(3</db/old>, "B", 1, 1) = 1"#);
    assert_eq!(certain(&[A, syncing, later, synced], "old").unwrap(), "A2345");
}

#[test]
fn unsynced_writes_survive_or_not_sector_by_sector() {
    let write = |byte: &str, sectors: usize, at: usize| {
        format!(r#"pwrite64(3</db/new>, "{}", {1}, {at}) = {1}"#, byte.repeat(sectors * 512), sectors * 512)
    };
    let (x, y, z) = (write("x", 24, 0), write("y", 16, 2048), write("z", 16, 4096));
    let (sync, mut seen, mut mixed) = ("fsync(3</db/new>) = 0", BTreeSet::new(), false);
    for left in possible(&[&x, sync, &y, &z], "new") {
        let left = left.unwrap();
        assert_eq!(left.len(), 24 * 512, "the length is unchanged");
        for (n, sector) in left.as_bytes().chunks(512).enumerate() {
            assert!(sector.iter().all(|byte| *byte == sector[0]), "a sector is never torn");
            seen.insert((n, char::from(sector[0])));
        }
        mixed |= left.contains("zx") && left.contains("xz");
    }
    let of =
        |n: usize| seen.iter().filter(|(sector, _)| *sector == n).map(|(_, byte)| *byte).collect::<String>();
    assert_eq!([of(0), of(4), of(8), of(20)], ["x", "xy", "xyz", "xz"]);
    assert!(mixed, "a write is torn, and the later one is there without the earlier");
}

#[test]
fn the_length_of_a_file_is_unsynced_too() {
    let longer = r#"pwrite64(3</db/old>, "67", 2, 5) = 2"#;
    assert_eq!(possible(&[longer], "old"), all(["12345", "1234567", "12345\0\0"]));
    let (cut, grown) = ("ftruncate(3</db/old>, 2) = 0", "fallocate(3</db/old>, 0, 2, 3) = 0");
    assert_eq!(certain(&[cut, SYNC], "old").unwrap(), "12");
    assert_eq!(possible(&[cut, SYNC, grown], "old"), all(["12", "12\0\0\0"]));
    assert_eq!(
        certain(&[r#"openat(AT_FDCWD</>, "/db/old", O_RDWR|O_TRUNC) = 3</db/old>"#], "old").unwrap(),
        "12345"
    );
}

#[test]
fn a_new_file_may_be_missing_until_it_is_synced_itself() {
    let (made, sync) =
        (r#"openat(AT_FDCWD</db>, "new", O_RDWR|O_CREAT, 0600) = 5</db/new>"#, "fsync(5</db/new>) = 0");
    assert_eq!(certain(&[made], "new"), None);
    assert!(possible(&[made], "new").contains(&None));
    assert_eq!(possible(&[made, sync], "new"), all([""]));
    let moved = r#"rename("new", "old") = 0"#;
    assert_eq!(certain(&[made, moved], "old"), None);
    assert_eq!(certain(&[made, sync, moved], "old").unwrap(), "");
    assert_eq!(certain(&[r#"unlink("/db/old") = 0"#], "old"), None);
    assert_eq!(certain(&[r#"unlink("/db/old") = -1 EACCES (Permission denied)"#], "old").unwrap(), "12345");
}

#[test]
fn bytes_are_read_as_strace_writes_them() {
    let plain = r#"pwrite64(3</db/old>, "a\"\\,)\t\0\00012\1778", 99, 0) = 11"#;
    assert_eq!(certain(&[plain, SYNC], "old").unwrap(), "a\"\\,)\t\0\x0012\x7f");
    let parts = r#"pwritev(3</db/old>, [{iov_base="ab", iov_len=2}, {iov_base="cd", iov_len=2}], 2, 3) = 4"#;
    assert_eq!(certain(&[parts, SYNC], "old").unwrap(), "123abcd");
    let short = r#"pwrite64(3</db/old>, "abcdef", 6, 0) = 3"#;
    assert_eq!(certain(&[short, SYNC], "old").unwrap(), "abc45");
    let elsewhere = r#"write(3<socket:[7]>, "x", 1) = 1"#;
    let gone = r#"pwrite64(9</db/old>(deleted), "x", 1, 0) = 1"#;
    let ignored = r#"pwrite64(4</db/lock>, "x", 1, 0) = 1"#;
    assert!(trace(&[elsewhere, gone, ignored, "+++ killed by SIGKILL +++"]).operations.is_empty());
}

#[test]
fn the_offset_in_a_file_is_followed() {
    let open = r#"openat(AT_FDCWD</db>, "old", O_RDWR) = 3</db/old>"#;
    let read = r#"read(3</db/old>, "12", 2) = 2"#;
    let (write, seek) = (r#"write(3</db/old>, "x", 1) = 1"#, "lseek(3</db/old>, 4, SEEK_SET) = 4");
    assert_eq!(certain(&[open, write, write, SYNC], "old").unwrap(), "xx345");
    assert_eq!(certain(&[open, read, write, seek, write, SYNC], "old").unwrap(), "12x4x");
}

#[test]
fn unknown_calls_are_refused() {
    for (unknown, why) in [
        (r#"write(3</db/old>, "x", 1) = 1"#, "the offset in old is unknown"),
        (r#"pwrite64(3</db/old>, "x"..., 10, 0) = 10"#, "cut a string off"),
        (r#"pwrite64(3</db/old>, "x", 10, 0) = 10"#, "fewer than 10 bytes"),
        (
            r#"pwritev2(3</db/old>, [{iov_base="x", iov_len=1}], 1, 0, RWF_DSYNC) = 1"#,
            "pwritev2 is not known",
        ),
        ("mmap(NULL, 9, PROT_READ|PROT_WRITE, MAP_SHARED, 3</db/old>, 0) = 0x7f0000000000", "old is mapped"),
        ("copy_file_range(7</tmp/x>, NULL, 3</db/old>, NULL, 10, 0) = 10", "copy_file_range is not known"),
        (r#"openat(AT_FDCWD</>, "/db/old", O_RDWR|O_DSYNC) = 3</db/old>"#, "O_DSYNC of old"),
        ("fallocate(3</db/old>, FALLOC_FL_PUNCH_HOLE|FALLOC_FL_KEEP_SIZE, 0, 9) = 0", "PUNCH_HOLE"),
        (r#"rename("/tmp/x", "/db/old") = 0"#, "across the folder's border"),
        (r#"truncate("/db/old", 3) = 0"#, "truncate is not known"),
        ("io_uring_setup(64, {}) = 9", "io_uring"),
    ] {
        let refused = std::panic::catch_unwind(|| trace(&[unknown])).expect_err(unknown);
        let output = refused.downcast_ref::<String>().cloned();
        let output = output.or_else(|| refused.downcast_ref::<&str>().map(|output| (*output).to_owned()));
        assert!(output.as_ref().is_some_and(|output| output.contains(why)), "{unknown}: {output:?}");
    }
}
