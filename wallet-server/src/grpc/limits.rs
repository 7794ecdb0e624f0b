//! The limits that depend on the method or on the process.

use crate::settings::Limits;

/// The least number of descriptors that stay free for the database, the log and files.
const SPARE_DESCRIPTORS: usize = 64;
/// The least number of connections that a server accepts, regardless of the limit of descriptors.
const FEWEST_CONNECTIONS: usize = 16;

impl Limits {
    /// Returns the number of connections that fit within the limit of descriptors, of which a quarter stays free.
    pub(super) fn connections_within(&self, descriptors: Option<u64>) -> usize {
        let Some(descriptors) = descriptors.and_then(|n| usize::try_from(n).ok()) else {
            return self.connections;
        };
        let spare = (descriptors / 4).max(SPARE_DESCRIPTORS);
        self.connections.min(descriptors.saturating_sub(spare).max(FEWEST_CONNECTIONS))
    }

    /// Returns the most calls that a peer may open and reset before they are accepted.
    pub(super) fn pending_resets(&self) -> usize {
        self.pending_resets.unwrap_or(2 * self.streams_per_connection as usize)
    }

    /// Returns the most bytes of a request to the method with this path.
    pub(super) fn request_bytes(&self, path: &str) -> usize {
        match path {
            _ if path.starts_with("/wallet.v1.WalletService/") && path.ends_with("Many") => {
                self.many_message_bytes
            }
            _ if path.starts_with("/wallet.v1.CatalogService/") => self.catalog_message_bytes,
            _ => self.message_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::all;

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        let limits = Limits::default();
        for (descriptors, connections) in [
            (None, 8_192),
            (Some(1_048_576), 8_192),
            (Some(1_024), 768),
            (Some(128), 64),
            (Some(64), 16),
            (Some(u64::MAX), 8_192),
        ] {
            assert_eq!(limits.connections_within(descriptors), connections, "{descriptors:?}");
        }
    }

    #[test]
    fn the_largest_requests_that_the_proto_promises_fit_into_every_allowed_limit() {
        let floor = |path: &str| {
            let setting = all().find(|setting| setting.path() == path).expect("a setting");
            usize::try_from(setting.floor().expect("a floor")).expect("a size")
        };
        // Per operation a kind of 128 bytes, 32 attributes of 128 + 256 bytes and 32 quantities of 128 + 32 bytes,
        // with at most 16 bytes of tags and lengths around each.
        let operation = 128 + 16 + 32 * (128 + 256 + 16) + 32 * (128 + 32 + 16);
        assert!(100 * operation + 1_024 <= floor("limits.many_message_bytes"));
        // A Reserve has one operation, 16 labels of 64 + 256 bytes, and up to 64 amounts in each of three lists.
        let amount = 128 + 32;
        assert!(operation + 16 * (64 + 256 + 16) + 3 * 64 * amount + 1_024 <= floor("limits.message_bytes"));
        assert!(256 * 1_024 + 1_024 <= floor("limits.catalog_message_bytes"));
    }
}
