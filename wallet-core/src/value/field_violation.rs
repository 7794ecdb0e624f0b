//! A field of a request that no wallet and no catalog would accept.

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// The field's path as the caller wrote it: `explicit.amounts[0].unit`.
    pub field: String,
    /// What is wrong, and the limit if there is one.
    pub description: String,
}

impl FieldViolation {
    /// A violation of `field`.
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }
}
