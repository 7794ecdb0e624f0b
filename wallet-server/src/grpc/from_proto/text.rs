//! Parses names and free text.

use std::fmt::{self, Display};

use super::FieldReader;

/// The most characters of a key that a path repeats.
const KEY_IN_PATH: usize = 64;

/// The path of a map's entry, for example `labels["k"]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyPath<'a, P> {
    path: P,
    key: &'a str,
}

/// Returns the path of a map's entry. It is written only if the entry is reported.
pub(crate) const fn key_path<P: Display + Copy>(path: P, key: &str) -> KeyPath<'_, P> {
    KeyPath { path, key }
}

impl<P: Display> Display for KeyPath<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.key.chars().take(KEY_IN_PATH).collect();
        write!(f, "{}[{shown:?}]", self.path)
    }
}

impl FieldReader {
    /// Parses free text: at most `max` bytes, with line feeds and tabs but no other control characters.
    pub(crate) fn text(&mut self, path: &str, text: String, max: usize) -> String {
        self.check_text(path, &text, max);
        text
    }

    /// Checks free text as [`FieldReader::text`] does.
    pub(super) fn check_text(&mut self, path: impl Display + Copy, text: &str, max: usize) {
        self.within(path, text, max);
        self.without_control(path, text, |c| matches!(c, '\n' | '\t'), "line feeds and tabs are allowed");
    }

    /// Parses a name: at most `max` bytes without control characters. It may be empty.
    pub(crate) fn name(&mut self, path: &str, name: String, max: usize) -> String {
        self.check_name(path, &name, max);
        name
    }

    /// Parses a name that must not be empty.
    pub(crate) fn required_name(&mut self, path: &str, name: String, max: usize) -> String {
        self.check_required_name(path, &name, max);
        name
    }

    /// Checks a name as [`FieldReader::required_name`] does.
    pub(super) fn check_required_name(&mut self, path: impl Display + Copy, name: &str, max: usize) {
        if name.is_empty() {
            self.add(path.to_string(), "must not be empty");
        }
        self.check_name(path, name, max);
    }

    /// Checks a name as [`FieldReader::name`] does.
    pub(super) fn check_name(&mut self, path: impl Display + Copy, name: &str, max: usize) {
        self.within(path, name, max);
        self.without_control(path, name, |_| false, "no control character is allowed");
    }

    /// Reports a list that has no entries or more than `max`. Returns whether its entries are to be parsed.
    pub(crate) fn count(&mut self, path: &str, entries: usize, max: usize) -> bool {
        if entries == 0 {
            self.missing(path);
        }
        !self.too_many(path, entries, max)
    }

    /// Reports more than `max` entries. Returns whether there are more, so that they need not be parsed.
    pub(super) fn too_many(&mut self, path: impl Display, entries: usize, max: usize) -> bool {
        if entries > max {
            self.add(path.to_string(), format!("has {entries} entries, at most {max} are allowed"));
        }
        entries > max
    }

    /// Reports the first control character that is not allowed, because it could control the terminal of a reader.
    fn without_control(
        &mut self,
        path: impl Display,
        text: &str,
        allowed: impl Fn(char) -> bool,
        rule: &str,
    ) {
        if let Some(control) = text.chars().find(|c| c.is_control() && !allowed(*c)) {
            self.add(
                path.to_string(),
                format!("contains the control character U+{:04X}; {rule}", u32::from(control)),
            );
        }
    }

    fn within(&mut self, path: impl Display, text: &str, max: usize) {
        if text.len() > max {
            self.add(path.to_string(), format!("has {} bytes, at most {max} are allowed", text.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_names_have_bounds_and_no_control_characters() {
        let mut fields = FieldReader::default();
        fields.text("reason", "two\n\tlines".to_owned(), 10);
        fields.name("display_name", "Ann é".to_owned(), 6);
        assert!(fields.lines().is_empty());

        fields.text("reason", "a\0b".to_owned(), 2);
        for control in ['\r', '\x1b', '\x7f', '\u{9b}'] {
            fields.text("message", control.to_string(), 2);
        }
        fields.name("display_name", "two\nlines".to_owned(), 256);
        fields.required_name("kind", String::new(), 128);
        let lines = "line feeds and tabs are allowed";
        assert_eq!(
            fields.lines(),
            [
                "reason: has 3 bytes, at most 2 are allowed".to_owned(),
                format!("reason: contains the control character U+0000; {lines}"),
                format!("message: contains the control character U+000D; {lines}"),
                format!("message: contains the control character U+001B; {lines}"),
                format!("message: contains the control character U+007F; {lines}"),
                format!("message: contains the control character U+009B; {lines}"),
                "display_name: contains the control character U+000A; no control character is allowed"
                    .to_owned(),
                "kind: must not be empty".to_owned(),
            ]
        );
    }

    #[test]
    fn a_path_repeats_at_most_64_characters_of_a_key() {
        assert_eq!(key_path("labels", "k").to_string(), r#"labels["k"]"#);
        assert_eq!(key_path("labels", "\"\n").to_string(), r#"labels["\"\n"]"#);
        assert_eq!(key_path("labels", &"x".repeat(60_000)).to_string().len(), "labels[\"\"]".len() + 64);
    }
}
