//! An invalid field of a request: no wallet and no catalog would accept it.

/// An invalid field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// The path of the field in the request: `explicit.amounts[0].unit`.
    pub field: String,
    /// The problem, and the limit if there is one. Continues a sentence that begins with the path.
    pub description: String,
}

impl FieldViolation {
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }
}
