//! How much of anything a peer may ask for. tonic's own defaults are unlimited.

use std::time::Duration;

/// The limits of the gRPC server. The defaults are for a server on its own behind no proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GrpcLimits {
    /// The longest a call may take, whatever deadline its caller sets. Default 30 s.
    pub(crate) longest_call: Duration,
    /// Calls in progress on the whole server before it sheds load: a backstop behind the engine's own admission.
    /// Default 8,192.
    pub(crate) calls_in_progress: usize,
    /// Calls in progress on one connection; more wait at the caller. Default 100.
    pub(crate) streams_per_connection: u32,
    /// All headers of one call together. Default 16 KiB.
    pub(crate) header_list_bytes: u32,
    /// One request to the wallet, admin and event services. Default 64 KiB.
    pub(crate) message_bytes: usize,
    /// One request to the catalog service, whose documents may have 256 KiB. Default 512 KiB.
    pub(crate) catalog_message_bytes: usize,
    /// How often a silent connection is asked whether it is alive. Default 30 s.
    pub(crate) keepalive_interval: Duration,
    /// How long it may take to answer that. Default 10 s.
    pub(crate) keepalive_timeout: Duration,
    /// After how long a connection is asked to be made anew, so that load spreads. Default never.
    pub(crate) connection_age: Option<Duration>,
    /// Calls that a peer may open and reset before the server has looked at them (rapid reset). Default 20.
    pub(crate) pending_resets: usize,
    /// Streams that the server may have to reset for a peer's mistakes before it hangs up. Default 1,024.
    pub(crate) own_resets: usize,
    /// How long calls in progress may go on after the server was told to stop. Default 10 s.
    pub(crate) drain: Duration,
}

impl Default for GrpcLimits {
    fn default() -> Self {
        Self {
            longest_call: Duration::from_secs(30),
            calls_in_progress: 8_192,
            streams_per_connection: 100,
            header_list_bytes: 16 * 1024,
            message_bytes: 64 * 1024,
            catalog_message_bytes: 512 * 1024,
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            connection_age: None,
            pending_resets: 20,
            own_resets: 1_024,
            drain: Duration::from_secs(10),
        }
    }
}
