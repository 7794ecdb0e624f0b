//! Parses names and free text.

use super::FieldReader;

/// The most characters of a key that a path repeats.
const KEY_IN_PATH: usize = 64;

/// Returns the path of a map's entry, for example `labels["k"]`.
pub(crate) fn key_path(path: &str, key: &str) -> String {
    let shown: String = key.chars().take(KEY_IN_PATH).collect();
    format!("{path}[{shown:?}]")
}

impl FieldReader {
    /// Parses free text: at most `max` bytes, with line feeds and tabs but no other control characters.
    pub(crate) fn text(&mut self, path: &str, text: String, max: usize) -> String {
        self.within(path, &text, max);
        self.without_control(path, &text, |c| matches!(c, '\n' | '\t'), "line feeds and tabs are allowed");
        text
    }

    /// Parses a name: at most `max` bytes without control characters. It may be empty.
    pub(crate) fn name(&mut self, path: &str, name: String, max: usize) -> String {
        self.within(path, &name, max);
        self.without_control(path, &name, |_| false, "no control character is allowed");
        name
    }

    /// Parses a name that must not be empty.
    pub(crate) fn required_name(&mut self, path: &str, name: String, max: usize) -> String {
        if name.is_empty() {
            self.add(path, "must not be empty");
        }
        self.name(path, name, max)
    }

    /// Reports a list that has no entries or more than `max`. Returns whether its entries are to be parsed.
    pub(crate) fn count(&mut self, path: &str, entries: usize, max: usize) -> bool {
        if entries == 0 {
            self.missing(path);
        }
        !self.too_many(path, entries, max)
    }

    /// Reports more than `max` entries. Returns whether there are more, so that they need not be parsed.
    pub(super) fn too_many(&mut self, path: &str, entries: usize, max: usize) -> bool {
        if entries > max {
            self.add(path, format!("has {entries} entries, at most {max} are allowed"));
        }
        entries > max
    }

    /// Reports the first control character that is not allowed, because it could control the terminal of a reader.
    fn without_control(&mut self, path: &str, text: &str, allowed: impl Fn(char) -> bool, rule: &str) {
        if let Some(control) = text.chars().find(|c| c.is_control() && !allowed(*c)) {
            self.add(path, format!("contains the control character U+{:04X}; {rule}", u32::from(control)));
        }
    }

    fn within(&mut self, path: &str, text: &str, max: usize) {
        if text.len() > max {
            self.add(path, format!("has {} bytes, at most {max} are allowed", text.len()));
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
        assert_eq!(key_path("labels", "k"), r#"labels["k"]"#);
        assert_eq!(key_path("labels", "\"\n"), r#"labels["\"\n"]"#);
        assert_eq!(key_path("labels", &"x".repeat(60_000)).len(), "labels[\"\"]".len() + 64);
    }
}
