//! Faults as they are found: counted, and the first of them kept in words.

/// How many are kept in words.
pub(super) const KEPT: usize = 20;

/// What is wrong so far.
#[derive(Debug, Default)]
pub(super) struct Faults {
    wallet: String,
    pub(super) count: u64,
    pub(super) first: Vec<String>,
}

impl Faults {
    /// From here on it is about this wallet.
    pub(super) fn about(&mut self, wallet: String) {
        self.wallet = wallet;
    }

    /// Something is wrong at a revision, or with the wallet as a whole if that is 0.
    pub(super) fn add(&mut self, revision: i64, what: &str) {
        self.count += 1;
        if self.first.len() < KEPT {
            let place = if revision == 0 { String::new() } else { format!(", revision {revision}") };
            self.first.push(format!("wallet {}{place}: {what}", self.wallet));
        }
    }

    /// Something is wrong unless this holds.
    pub(super) fn unless(&mut self, holds: bool, revision: i64, what: impl FnOnce() -> String) {
        if !holds {
            self.add(revision, &what());
        }
    }
}
