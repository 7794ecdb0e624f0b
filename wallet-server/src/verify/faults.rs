//! Faults as they are found: counted, and the first of them kept in words.

/// How many are kept in words.
pub(super) const KEPT: usize = 20;

/// What is wrong so far.
#[derive(Debug, Default)]
pub(super) struct Faults {
    about: String,
    pub(super) count: u64,
    pub(super) first: Vec<String>,
    /// What is no fault, and still for a person to look at.
    pub(super) notes: u64,
    pub(super) first_notes: Vec<String>,
}

impl Faults {
    /// From here on it is about this wallet.
    pub(super) fn about(&mut self, wallet: &str) {
        self.about = format!("wallet {wallet}");
    }

    /// From here on it is about what no wallet has.
    pub(super) fn about_the_database(&mut self) {
        "the database".clone_into(&mut self.about);
    }

    /// Something is wrong at a revision, or with the wallet as a whole if that is 0.
    pub(super) fn add(&mut self, revision: i64, what: &str) {
        self.count += 1;
        if self.first.len() < KEPT {
            let place = if revision == 0 { String::new() } else { format!(", revision {revision}") };
            self.first.push(format!("{}{place}: {what}", self.about));
        }
    }

    /// Something is wrong that belongs to no wallet, found among the rows of one.
    pub(super) fn add_of_the_database(&mut self, what: &str) {
        let about = std::mem::take(&mut self.about);
        self.about_the_database();
        self.add(0, what);
        self.about = about;
    }

    /// Something is not wrong and worth a look.
    pub(super) fn note(&mut self, what: &str) {
        self.notes += 1;
        if self.first_notes.len() < KEPT {
            self.first_notes.push(format!("{}: {what}", self.about));
        }
    }

    /// Something is wrong unless this holds.
    pub(super) fn unless(&mut self, holds: bool, revision: i64, what: impl FnOnce() -> String) {
        if !holds {
            self.add(revision, &what());
        }
    }
}
