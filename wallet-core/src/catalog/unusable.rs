//! The reason why a stored catalog cannot be used.

use thiserror::Error;

/// The reason why a stored catalog cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unusable {
    /// Its text is not the one that was published.
    #[error(
        "its text was changed after it was published: the digest is {found}, that of the text published is {published}"
    )]
    Changed {
        /// SHA-256 of the text that was published, in hex.
        published: String,
        /// SHA-256 of the text as it is now, in hex.
        found: String,
    },
    /// This program cannot read its text.
    #[error("its text with digest {digest} cannot be read: {problem}")]
    Unreadable {
        /// SHA-256 of the text, in hex.
        digest: String,
        /// The first problem.
        problem: String,
    },
}
