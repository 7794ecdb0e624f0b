//! The limits of what a peer may use. The defaults of hyper and tonic are mostly unlimited.

use std::time::Duration;

/// The least number of descriptors that stay free for the database, the log and files.
const SPARE_DESCRIPTORS: usize = 64;
/// The least number of connections that a server accepts, whatever the limit of descriptors.
const FEWEST_CONNECTIONS: usize = 16;

/// The limits of the gRPC server. The defaults are for a server without a proxy in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GrpcLimits {
    /// The longest a call may take, whatever deadline its caller sets. Default 30 s.
    pub(crate) longest_call: Duration,
    /// The time after `longest_call` in which a peer must read the reply, before the stream is reset. Default 1 s.
    pub(crate) reading_time: Duration,
    /// The most calls in progress on the whole server; further calls are refused with OVERLOADED. It is a backstop
    /// before the admission of the engine. A call is in progress until its reply has been read. Default 8,192.
    pub(crate) calls_in_progress: usize,
    /// The most calls in progress on one connection; further ones wait in the client, where admission does not see
    /// them. A client with more calls opens several connections. Default 100.
    pub(crate) streams_per_connection: u32,
    /// The most calls in progress on one connection whose replies are pages; further ones wait. Default 4.
    pub(crate) pages_per_connection: usize,
    /// The most bytes of replies that peers have not read, over the whole server. Above it, the connection with the
    /// most unread bytes is closed. Default 64 MiB.
    pub(crate) unread_bytes: usize,
    /// The most bytes of a reply that the transport buffers for a stream. Default 64 KiB.
    pub(crate) send_buffer_bytes: usize,
    /// The flow-control window of a stream: the most request bytes that the server has not read. Default 128 KiB.
    pub(crate) stream_window_bytes: u32,
    /// The flow-control window of a connection. Default 1 MiB.
    pub(crate) connection_window_bytes: u32,
    /// The most bytes of all headers of a call. Default 16 KiB.
    pub(crate) header_list_bytes: u32,
    /// The most bytes of a request to the wallet, admin and event services. Default 64 KiB.
    pub(crate) message_bytes: usize,
    /// The most bytes of a request with many items. An EstimateMany may have 100 operations with 32 attributes and 32
    /// quantities of full length. Default 4 MiB.
    pub(crate) many_message_bytes: usize,
    /// The most bytes of a request to the catalog service, whose documents may have 256 KiB. Default 512 KiB.
    pub(crate) catalog_message_bytes: usize,
    /// The most connections at a time; fewer if the process may not open as many descriptors. Default 8,192.
    pub(crate) connections: usize,
    /// The time in which a new connection must complete the TLS handshake, and then send its first bytes, for HTTP/2 the
    /// preface. Default 5 s each.
    pub(crate) preface_time: Duration,
    /// The time in which a peer with HTTP/1.1 must send the headers of its next request, the pause before them included.
    /// Default 30 s.
    pub(crate) header_time: Duration,
    /// The most headers of a request with HTTP/1.1. Default 100.
    pub(crate) headers: usize,
    /// The time for which a connection may stay open without a call. Default 10 min.
    pub(crate) idle_time: Duration,
    /// The time after which a connection is closed if its peer reads nothing that was sent. Default 10 s.
    pub(crate) stalled_time: Duration,
    /// The interval of keep-alive pings on a connection without traffic. Default 30 s.
    pub(crate) keepalive_interval: Duration,
    /// The time in which a peer must answer a keep-alive ping. Default 10 s.
    pub(crate) keepalive_timeout: Duration,
    /// The age at which the server asks the client to reconnect, so that load spreads over replicas. Default `None`:
    /// never.
    pub(crate) connection_age: Option<Duration>,
    /// The most calls that a peer may open and reset before the server has accepted them (rapid reset). It is twice
    /// the streams of a connection, so that a peer may cancel all its calls and the calls after them. Default 200.
    pub(crate) pending_resets: usize,
    /// The most streams that the server resets because of a peer's errors before it closes the connection. Default
    /// 1,024.
    pub(crate) own_resets: usize,
    /// The time in which calls in progress may finish after the order to stop. Default 10 s.
    pub(crate) drain: Duration,
    /// The time for which a connection without calls stays open after the order to stop. Default 500 ms.
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
            header_time: Duration::from_secs(30),
            headers: 100,
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
    /// Returns the number of connections that fit within the limit of descriptors, of which a quarter stays free.
    pub(super) fn connections_within(&self, descriptors: Option<u64>) -> usize {
        let Some(descriptors) = descriptors.and_then(|n| usize::try_from(n).ok()) else {
            return self.connections;
        };
        let spare = (descriptors / 4).max(SPARE_DESCRIPTORS);
        self.connections.min(descriptors.saturating_sub(spare).max(FEWEST_CONNECTIONS))
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
