//! What is wrong with a request, collected field by field. The other files of this folder add readers to it.

use wallet_core::{FieldViolation, Rejection};

/// Everything found wrong so far. A reader that finds something reports it here and returns `None` or nothing,
/// and reading goes on.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<FieldViolation>);

impl Violations {
    /// Reports a field by its path, as the caller wrote it.
    pub(crate) fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.0.push(FieldViolation::new(field, description));
    }

    /// Reports a required field that is missing.
    pub(super) fn missing(&mut self, field: &str) {
        self.add(field, "is required");
    }

    /// What `build` makes of the values read, if nothing was wrong. It sees `None` only for what was reported.
    pub(crate) fn verdict<T>(mut self, build: impl FnOnce() -> Option<T>) -> Result<T, Rejection> {
        if self.0.is_empty() {
            if let Some(parsed) = build() {
                return Ok(parsed);
            }
            self.missing("request");
        }
        Err(Rejection::InvalidFields(self.0))
    }
}

#[cfg(test)]
impl Violations {
    /// Field and description of everything found, as `field: description`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.iter().map(|v| format!("{}: {}", v.field, v.description)).collect()
    }
}
