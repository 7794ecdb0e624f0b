//! The report of a verification.

use std::fmt;
use std::time::Duration;

/// The result of a verification.
#[derive(Debug, Clone)]
pub struct Report {
    /// The SHA-256 hash, in hex, over (wallet_key, revision, head) of all wallets in the order of their keys. It is
    /// equal for equal ledgers in either database, and changes when an entry is added, changed or removed.
    pub digest: String,
    pub wallets: u64,
    pub entries: u64,
    pub grants: u64,
    pub reservations: u64,
    /// The number of faults.
    pub faults: u64,
    /// The first faults as text, at most 20.
    pub first_faults: Vec<String>,
    /// The number of notes: frozen wallets, and instants more than an hour ahead of the clock. They are not faults.
    pub notes: u64,
    /// The first notes as text, at most 20.
    pub first_notes: Vec<String>,
    /// The checkpoint with which the ledger was compared, if it was.
    pub against: Option<CheckpointSize>,
    /// The duration of the verification.
    pub elapsed: Duration,
}

/// The wallets and entries that a checkpoint covers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckpointSize {
    pub wallets: u64,
    pub entries: u64,
}

impl Report {
    /// Returns whether there are no faults.
    pub fn is_clean(&self) -> bool {
        self.faults == 0
    }

    /// Returns the report as a JSON object, with the first faults and notes as text.
    pub fn json(&self) -> String {
        let Self { digest, wallets, entries, grants, reservations, faults, first_faults, .. } = self;
        serde_json::json!({
            "clean": self.is_clean(),
            "digest": digest,
            "wallets": wallets,
            "entries": entries,
            "grants": grants,
            "reservations": reservations,
            "faults": faults,
            "first_faults": first_faults,
            "notes": self.notes,
            "first_notes": self.first_notes,
            "against": self.against.map(|of| serde_json::json!({ "wallets": of.wallets, "entries": of.entries })),
            "elapsed_seconds": self.elapsed.as_secs_f64(),
        })
        .to_string()
    }

    pub(crate) fn entries_per_second(&self) -> u128 {
        u128::from(self.entries) * 1_000_000 / self.elapsed.as_micros().max(1)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wallets, entries, grants, reservations, .. } = self;
        writeln!(f, "digest   {}", self.digest)?;
        writeln!(
            f,
            "read     {wallets} wallets, {entries} entries, {grants} grants, {reservations} reservations"
        )?;
        let seconds = self.elapsed.as_secs_f64();
        writeln!(f, "took     {seconds:.1} s, {} entries/s", self.entries_per_second())?;
        match usize::try_from(self.faults) {
            Ok(0) => write!(f, "faults   none")?,
            Ok(count) if count == self.first_faults.len() => write!(f, "faults   {count}")?,
            _ => write!(f, "faults   {}, the first {}:", self.faults, self.first_faults.len())?,
        }
        self.first_faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))?;
        if !self.is_clean() {
            write!(f, "\nnumbers  docs/invariants.md explains I1, I2 and so on")?;
        }
        if self.notes > 0 {
            write!(f, "\nnotes    {}", self.notes)?;
        }
        self.first_notes.iter().try_for_each(|note| write!(f, "\n  {note}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_lists_its_first_faults_and_notes() {
        let clean = Report {
            digest: "ab".to_owned(),
            wallets: 1,
            entries: 500,
            grants: 2,
            reservations: 3,
            faults: 0,
            first_faults: Vec::new(),
            notes: 0,
            first_notes: Vec::new(),
            against: None,
            elapsed: Duration::from_millis(250),
        };
        assert!(clean.is_clean());
        assert_eq!(
            clean.to_string(),
            "digest   ab\nread     1 wallets, 500 entries, 2 grants, 3 reservations\n\
             took     0.2 s, 2000 entries/s\nfaults   none"
        );
        let expected = r#"{"against":null,"clean":true,"digest":"ab","elapsed_seconds":0.25,"entries":500,"faults":0,"first_faults":[],"first_notes":[],"grants":2,"notes":0,"reservations":3,"wallets":1}"#;
        assert_eq!(clean.json(), expected);
        let noted =
            Report { notes: 1, first_notes: vec!["wallet ann: is frozen".to_owned()], ..clean.clone() };
        assert!(noted.is_clean());
        assert!(noted.to_string().ends_with("faults   none\nnotes    1\n  wallet ann: is frozen"));
        let faulty = Report { faults: 7, first_faults: vec!["one".to_owned()], ..clean };
        assert!(!faulty.is_clean());
        assert!(
            faulty
                .to_string()
                .contains("faults   7, the first 1:\n  one\nnumbers  docs/invariants.md explains")
        );
    }
}
