//! Collects the invalid fields of a request. The other files of this folder add a method per kind of field.

use wallet_core::{FieldViolation, Rejection};

/// The invalid fields found so far. A method that finds one adds it and returns `None` or a default, so that the other
/// fields are checked, too.
#[derive(Debug, Default)]
pub(crate) struct FieldReader(Vec<FieldViolation>);

impl FieldReader {
    /// Reports a field by its path in the request.
    pub(crate) fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.0.push(FieldViolation::new(field, description));
    }

    /// Reports a required field that is missing.
    pub(super) fn missing(&mut self, field: &str) {
        self.add(field, "is required");
    }

    /// Returns the result of `build` if no field was reported. `build` returns `None` only if a required field is
    /// missing, which was reported.
    pub(crate) fn finish<T>(mut self, build: impl FnOnce() -> Option<T>) -> Result<T, Rejection> {
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
impl FieldReader {
    /// Returns the reports as `field: description`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.iter().map(|v| format!("{}: {}", v.field, v.description)).collect()
    }
}
