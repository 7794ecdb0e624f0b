//! The faults and notes found so far: all are counted, and the first are kept as text.

/// The number of faults, and of notes, that are kept as text.
pub(super) const KEPT: usize = 20;

#[derive(Debug, Default)]
pub(super) struct Faults {
    about: String,
    pub(super) count: u64,
    pub(super) first: Vec<String>,
    /// The number of notes: findings that are not faults, but that an operator should know.
    pub(super) notes: u64,
    pub(super) first_notes: Vec<String>,
}

impl Faults {
    /// Attributes the following faults to a wallet.
    pub(super) fn about(&mut self, wallet: &str) {
        self.about = format!("wallet {wallet}");
    }

    /// Attributes the following faults to the database.
    pub(super) fn about_the_database(&mut self) {
        "the database".clone_into(&mut self.about);
    }

    /// Adds a fault at a revision, or of the wallet as a whole if the revision is 0.
    pub(super) fn add(&mut self, revision: i64, what: &str) {
        self.count += 1;
        if self.first.len() < KEPT {
            let place = if revision == 0 { String::new() } else { format!(", revision {revision}") };
            self.first.push(format!("{}{place}: {what}", self.about));
        }
    }

    /// Adds a fault of the database while the rows of a wallet are read.
    pub(super) fn add_of_the_database(&mut self, what: &str) {
        let about = std::mem::take(&mut self.about);
        self.about_the_database();
        self.add(0, what);
        self.about = about;
    }

    /// Adds a note.
    pub(super) fn note(&mut self, what: &str) {
        self.notes += 1;
        if self.first_notes.len() < KEPT {
            self.first_notes.push(format!("{}: {what}", self.about));
        }
    }

    /// Adds a fault unless a condition holds.
    pub(super) fn unless(&mut self, holds: bool, revision: i64, what: impl FnOnce() -> String) {
        if !holds {
            self.add(revision, &what());
        }
    }
}
