//! Free text: names and words of the caller's.

use super::Violations;

/// The longest key that is repeated in a path.
const KEY_IN_PATH: usize = 64;

/// The path of a map's entry: `labels["k"]`.
pub(crate) fn key_path(path: &str, key: &str) -> String {
    let shown: String = key.chars().take(KEY_IN_PATH).collect();
    format!("{path}[{shown:?}]")
}

impl Violations {
    /// Text for people, of any lines, at most `max` bytes. No database keeps a NUL character.
    pub(crate) fn text(&mut self, path: &str, text: String, max: usize) -> String {
        self.within(path, &text, max);
        if text.contains('\0') {
            self.add(path, "contains a NUL character");
        }
        text
    }

    /// A name: one line without control characters, at most `max` bytes.
    pub(crate) fn name(&mut self, path: &str, name: String, max: usize) -> String {
        self.within(path, &name, max);
        if name.chars().any(char::is_control) {
            self.add(path, "contains a control character");
        }
        name
    }

    /// A name that must not be empty.
    pub(crate) fn required_name(&mut self, path: &str, name: String, max: usize) -> String {
        if name.is_empty() {
            self.add(path, "must not be empty");
        }
        self.name(path, name, max)
    }

    /// Reports more than `max` entries, none of which is then worth reading.
    pub(super) fn too_many(&mut self, path: &str, entries: usize, max: usize) -> bool {
        if entries > max {
            self.add(path, format!("has {entries} entries, at most {max} are allowed"));
        }
        entries > max
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
    fn texts_and_names_are_bounded_and_can_be_kept() {
        let mut bad = Violations::default();
        bad.text("reason", "two\nlines".to_owned(), 9);
        bad.name("display_name", "Ann é".to_owned(), 6);
        assert!(bad.lines().is_empty());

        bad.text("reason", "a\0b".to_owned(), 2);
        bad.name("display_name", "two\nlines".to_owned(), 256);
        bad.required_name("kind", String::new(), 128);
        assert_eq!(
            bad.lines(),
            [
                "reason: has 3 bytes, at most 2 are allowed",
                "reason: contains a NUL character",
                "display_name: contains a control character",
                "kind: must not be empty",
            ]
        );
    }

    #[test]
    fn a_path_repeats_no_more_of_a_key_than_people_read() {
        assert_eq!(key_path("labels", "k"), r#"labels["k"]"#);
        assert_eq!(key_path("labels", "\"\n"), r#"labels["\"\n"]"#);
        assert_eq!(key_path("labels", &"x".repeat(60_000)).len(), "labels[\"\"]".len() + 64);
    }
}
