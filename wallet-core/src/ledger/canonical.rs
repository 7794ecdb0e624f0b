//! The canonical bytes of a value, which are hashed.

/// Length-prefixed bytes: different values never have equal bytes.
pub(crate) struct Canonical(Vec<u8>);

impl Canonical {
    pub(crate) fn new(tag: &str) -> Self {
        let mut canonical = Self(Vec::with_capacity(256));
        canonical.text(tag);
        canonical
    }

    pub(crate) fn int(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn count(&mut self, value: usize) {
        self.0.extend_from_slice(&(value as u64).to_be_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
