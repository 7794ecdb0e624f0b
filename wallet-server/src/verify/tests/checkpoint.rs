//! Checkpoints: a ledger that continues one, and forgeries that no row shows.

use std::path::PathBuf;

use tempfile::TempDir;

use super::commands::{grant, reserve, top_up};
use super::file::execute;
use super::fixture::{Story, written};
use crate::verify::{Checkpoints, Report, VerifyError, verify, verify_with};

/// A folder for keys and checkpoints, outside the database.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        std::fs::write(place.file("key"), [1; 32]).unwrap();
        std::fs::write(place.file("other-key"), [2; 32]).unwrap();
        std::fs::write(place.file("short-key"), [3; 31]).unwrap();
        place
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    async fn write(&self, url: &str) -> Result<Report, VerifyError> {
        let [key_file, write] = ["key", "checkpoint"].map(|name| self.file(name));
        verify_with(url, &Checkpoints { key_file, write: Some(write), against: None }).await
    }

    async fn compare(&self, url: &str, key: &str) -> Result<Report, VerifyError> {
        let [key_file, against] = [key, "checkpoint"].map(|name| self.file(name));
        verify_with(url, &Checkpoints { key_file, write: None, against: Some(against) }).await
    }

    /// Returns the report of a ledger that is clean except for the checkpoint.
    async fn faults(&self, url: &str) -> String {
        let alone = verify(url).await.unwrap();
        assert!(alone.is_clean(), "{alone}");
        let report = self.compare(url, "key").await.unwrap();
        assert!(!report.is_clean());
        report.to_string()
    }
}

fn ann() -> Story {
    Story::of("ann").and(top_up("t", "credits", 100)).and(grant("g", 5, None, None))
}

#[tokio::test]
async fn a_ledger_that_has_grown_continues_its_checkpoint() {
    let place = Place::new();
    let (_a, url) = written(&[ann(), Story::rich("bob")]).await;
    assert!(place.write(&url).await.unwrap().is_clean());
    assert!(place.compare(&url, "key").await.unwrap().is_clean());
    let grown = [
        ann().and(reserve("j", 5, 5, None)),
        Story::rich("bob").and(top_up("t9", "credits", 1)),
        Story::of("eve"),
    ];
    let (_b, grown) = written(&grown).await;
    let report = place.compare(&grown, "key").await.unwrap();
    assert!(report.is_clean(), "{report}");
}

#[tokio::test]
async fn a_chain_that_was_forged_cut_or_dropped_is_found() {
    let place = Place::new();
    let (_a, url) = written(&[ann(), Story::rich("bob"), Story::of("eve")]).await;
    place.write(&url).await.unwrap();
    let forged = Story::of("ann").and(top_up("t", "credits", 900)).and(grant("g", 5, None, None));
    let (_b, forged) = written(&[forged, Story::rich("bob"), Story::of("eve")]).await;
    let faults = place.faults(&forged).await;
    assert!(
        faults.contains("faults   1\n  wallet ann (") && faults.contains("revision 3: I16: has hash"),
        "{faults}"
    );

    let cut = Story::of("ann").and(top_up("t", "credits", 100));
    let (_c, cut) = written(&[cut, Story::rich("bob"), Story::of("eve")]).await;
    let faults = place.faults(&cut).await;
    assert!(faults.contains("revision 3: I16: was its last entry at the checkpoint"), "{faults}");

    for rest in [vec![ann(), Story::rich("bob")], vec![ann(), Story::of("eve")], vec![]] {
        let (_d, dropped) = written(&rest).await;
        let faults = place.faults(&dropped).await;
        assert!(faults.contains("the database: I16: had wallet "), "{faults}");
    }
}

#[tokio::test]
async fn changed_catalogs_and_secrets_are_found() {
    for edit in ["DELETE FROM catalogs WHERE version = 2", "UPDATE signing_keys SET secret = zeroblob(32)"] {
        let place = Place::new();
        let (_a, url) = written(&[ann()]).await;
        place.write(&url).await.unwrap();
        execute(&url, &[edit]).await;
        let faults = place.faults(&url).await;
        assert!(faults.contains("at the checkpoint"), "{edit}: {faults}");
    }
}

#[tokio::test]
async fn a_checkpoint_needs_its_key_and_a_clean_ledger() {
    let place = Place::new();
    let (_a, url) = written(&[ann()]).await;
    place.write(&url).await.unwrap();
    let text = std::fs::read_to_string(place.file("checkpoint")).unwrap();

    let error = place.compare(&url, "other-key").await.unwrap_err().to_string();
    assert!(error.contains("was not signed with this key"), "{error}");
    let error = place.compare(&url, "short-key").await.unwrap_err().to_string();
    assert!(error.contains("has 31 bytes, 32 to 4096 are allowed"), "{error}");
    let head = text.lines().find(|line| line.starts_with("wallet ")).unwrap();
    for changed in
        [text.replace(head, "wallet"), text.replace("end ", "and "), format!("{text}{head}\n"), String::new()]
    {
        std::fs::write(place.file("checkpoint"), changed).unwrap();
        assert!(place.compare(&url, "key").await.is_err());
    }

    std::fs::write(place.file("checkpoint"), &text).unwrap();
    execute(&url, &["UPDATE wallets SET open_reservations = 1"]).await;
    assert!(!place.write(&url).await.unwrap().is_clean());
    assert_eq!(std::fs::read_to_string(place.file("checkpoint")).unwrap(), text);
    let files = std::fs::read_dir(place.0.path()).unwrap().count();
    assert_eq!(files, 4, "nothing unfinished is left");
}
