//! Parses the URLs of webhooks.

use super::FieldReader;
use crate::webhooks::{Allowed, WebhookUrl};

impl FieldReader {
    /// Parses the URL of an endpoint.
    pub(crate) fn webhook_url(&mut self, path: &str, url: &str, allowed: &Allowed) -> Option<WebhookUrl> {
        if url.is_empty() {
            self.missing(path);
            return None;
        }
        WebhookUrl::parse(url, allowed).map_err(|fault| self.add(path, fault)).ok()
    }
}
