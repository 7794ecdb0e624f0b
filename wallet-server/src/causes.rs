//! An error with all its causes, in one line for the log and the command line.

use std::error::Error;
use std::fmt;

/// Displays an error, and after a colon each of its sources. A source is left out if the text before contains it:
/// some errors of libraries display their source themselves.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut source = self.0.source();
        while let Some(error) = source {
            let cause = error.to_string();
            if !text.contains(&cause) {
                text.push_str(": ");
                text.push_str(&cause);
            }
            source = error.source();
        }
        f.write_str(&text)
    }
}

/// An error of any type.
pub(crate) type AnyError = Box<dyn Error + Send + Sync>;

/// An error of a library, with the file or the operation that it concerns.
#[derive(Debug, thiserror::Error)]
#[error("{subject}")]
pub(crate) struct Failed {
    subject: String,
    source: AnyError,
}

impl Failed {
    pub(crate) fn new(subject: impl fmt::Display, source: impl Into<AnyError>) -> Self {
        Self { subject: subject.to_string(), source: source.into() }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn every_cause_is_displayed_once() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let outer = Failed::new("cannot open the database", Failed::new("connection to db:5432", refused()));
        assert_eq!(
            Chain(&outer).to_string(),
            "cannot open the database: connection to db:5432: connection refused"
        );
        let repeated = Failed::new("cannot read: connection refused", refused());
        assert_eq!(Chain(&repeated).to_string(), "cannot read: connection refused");
    }
}
