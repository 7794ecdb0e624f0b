//! How much of anything a peer may ask for. hyper's and tonic's own defaults are mostly unlimited.

use std::time::Duration;

/// Descriptors that stay free for the database, the log and files, at the least.
const SPARE_DESCRIPTORS: usize = 64;
/// The fewest connections that a server takes, whatever the limit of descriptors.
const FEWEST_CONNECTIONS: usize = 16;

/// The limits of the gRPC server. The defaults are for a server on its own without a proxy in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GrpcLimits {
    /// The longest a call may take, whatever deadline its caller sets. Default 30 s.
    pub(crate) longest_call: Duration,
    /// How long after `longest_call` a peer may take to read the reply before the stream is reset. Default 1 s.
    pub(crate) reading_time: Duration,
    /// Calls in progress on the whole server before it sheds load: a backstop in front of the engine's own admission.
    /// A call is in progress until its reply has been read. Default 8,192.
    pub(crate) calls_in_progress: usize,
    /// Calls in progress on one connection; more wait at the caller. Default 100.
    pub(crate) streams_per_connection: u32,
    /// Calls with pages as replies in progress on one connection; more wait. Default 4.
    pub(crate) pages_per_connection: usize,
    /// Bytes of replies that peers have not read yet, over the whole server. Above that the connection that has read
    /// the least is closed. Default 64 MiB.
    pub(crate) unread_bytes: usize,
    /// Bytes of replies that the transport takes before the peer reads, per stream. Default 64 KiB.
    pub(crate) send_buffer_bytes: usize,
    /// Bytes of requests that a peer may send before the server reads them, per stream. Default 128 KiB.
    pub(crate) stream_window_bytes: u32,
    /// The same per connection. Default 1 MiB.
    pub(crate) connection_window_bytes: u32,
    /// All headers of one call together. Default 16 KiB.
    pub(crate) header_list_bytes: u32,
    /// One request to the wallet, admin and event services. Default 64 KiB.
    pub(crate) message_bytes: usize,
    /// One request with many items: 100 operations with 32 attributes and 32 quantities of full length. Default 4 MiB.
    pub(crate) many_message_bytes: usize,
    /// One request to the catalog service, whose documents may have 256 KiB. Default 512 KiB.
    pub(crate) catalog_message_bytes: usize,
    /// Connections at a time; fewer if the process may not open as many descriptors. Default 8,192.
    pub(crate) connections: usize,
    /// How long a new connection may take to say that it speaks HTTP/2. Default 5 s.
    pub(crate) preface_time: Duration,
    /// How long a connection may stay open without a call. Default 10 min.
    pub(crate) idle_time: Duration,
    /// How long a peer may read nothing of what it is sent before the connection is closed. Default 10 s.
    pub(crate) stalled_time: Duration,
    /// How often a silent connection is asked whether it is alive. Default 30 s.
    pub(crate) keepalive_interval: Duration,
    /// How long it may take to answer that. Default 10 s.
    pub(crate) keepalive_timeout: Duration,
    /// The age at which a connection is asked to be made anew, so that load spreads. Default never.
    pub(crate) connection_age: Option<Duration>,
    /// Calls that a peer may open and reset before the server has looked at them (rapid reset): twice the streams of a
    /// connection, so that a peer may cancel all its calls and those it makes next. Default 200.
    pub(crate) pending_resets: usize,
    /// Streams that the server may have to reset for a peer's mistakes before it hangs up. Default 1,024.
    pub(crate) own_resets: usize,
    /// How long calls in progress may go on after the server was told to stop. Default 10 s.
    pub(crate) drain: Duration,
    /// How long a connection without calls stays open after the server was told to stop. Default 500 ms.
    pub(crate) farewell: Duration,
}

impl Default for GrpcLimits {
    fn default() -> Self {
        Self {
            longest_call: Duration::from_secs(30),
            reading_time: Duration::from_secs(1),
            calls_in_progress: 8_192,
            streams_per_connection: 100,
            pages_per_connection: 4,
            unread_bytes: 64 * 1024 * 1024,
            send_buffer_bytes: 64 * 1024,
            stream_window_bytes: 128 * 1024,
            connection_window_bytes: 1024 * 1024,
            header_list_bytes: 16 * 1024,
            message_bytes: 64 * 1024,
            many_message_bytes: 4 * 1024 * 1024,
            catalog_message_bytes: 512 * 1024,
            connections: 8_192,
            preface_time: Duration::from_secs(5),
            idle_time: Duration::from_secs(600),
            stalled_time: Duration::from_secs(10),
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            connection_age: None,
            pending_resets: 200,
            own_resets: 1_024,
            drain: Duration::from_secs(10),
            farewell: Duration::from_millis(500),
        }
    }
}

impl GrpcLimits {
    /// The connections that fit below the process's limit of descriptors: a quarter of them stays free.
    pub(super) fn connections_within(&self, descriptors: Option<u64>) -> usize {
        let Some(descriptors) = descriptors.and_then(|n| usize::try_from(n).ok()) else {
            return self.connections;
        };
        let spare = (descriptors / 4).max(SPARE_DESCRIPTORS);
        self.connections.min(descriptors.saturating_sub(spare).max(FEWEST_CONNECTIONS))
    }

    /// The largest request of a method, by its path.
    pub(super) fn request_bytes(&self, path: &str) -> usize {
        match path {
            "/wallet.v1.WalletService/EstimateMany" => self.many_message_bytes,
            _ if path.starts_with("/wallet.v1.CatalogService/") => self.catalog_message_bytes,
            _ => self.message_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        let limits = GrpcLimits::default();
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
    fn the_largest_request_that_the_proto_promises_fits() {
        // Per operation a kind of 128 bytes, 32 attributes of 128 + 256 bytes and 32 quantities of 128 + 32 bytes,
        // with at most 16 bytes of tags and lengths around each.
        let operation = 128 + 16 + 32 * (128 + 256 + 16) + 32 * (128 + 32 + 16);
        assert!(100 * operation + 1_024 <= GrpcLimits::default().many_message_bytes);
    }
}
