//! The limits: how much callers may use. They are the table `[limits]` of the file.

use std::time::Duration;

use super::form::Form::{Bytes, Count, Millis};

const KIB: i64 = 1_024;
const MIB: i64 = 1_024 * KIB;

settings! {
    /// The limits of callers, connections, messages and queues. The defaults are for a server without a proxy in front.
    pub struct Limits in "limits";

    /// The longest a call may take, regardless of the deadline that its caller sets.
    longest_call: Duration = Duration::from_secs(30), Millis(1_000, 600_000), WithoutFlag;

    /// The time after `longest_call_ms` in which a peer must read the reply, before the stream is reset.
    reading_time: Duration = Duration::from_secs(1), Millis(100, 60_000), WithoutFlag;

    /// The most calls in progress on the whole server; further calls are refused with OVERLOADED. It is a backstop
    /// before the admission of the engine. Reads and estimates may have seven eighths of the places, Settle, Cancel,
    /// Extend and checks of the health all, and other calls fifteen sixteenths. A call is in progress until its reply
    /// has been read. Streams may have three quarters of the places together; further ones are refused with
    /// TOO_MANY_WATCHERS.
    calls_in_progress: usize = 8_192, Count(16, 1_000_000), WithoutFlag;

    /// The calls per second of one API key, on this server. Further calls are refused with RATE_LIMITED and the delay
    /// after which to repeat them. A call with many items counts once. Settle, Cancel and Extend may have as many calls
    /// again. The wallet tokens of a key have the same rate for each wallet. Needs `key_pepper_file`.
    calls_per_second: Option<u32> = None => "none; any rate is allowed", Count(1, 100_000), Everywhere;

    /// The calls that a key may make at once after a rest; they count towards its rate.
    calls_burst: Option<u32> = None => "`calls_per_second`", Count(1, 1_000_000), Everywhere;

    /// The calls per second of one tenant, on this server, with all of its API keys together. All of its wallet tokens
    /// together have the same rate. Further calls are refused with RATE_LIMITED. Needs `key_pepper_file`.
    tenant_calls_per_second: Option<u32> = None => "none; any rate is allowed", Count(1, 1_000_000), WithoutFlag;

    /// The calls that a tenant may make at once after a rest; they count towards its rate.
    tenant_calls_burst: Option<u32> = None => "`tenant_calls_per_second`", Count(1, 10_000_000), WithoutFlag;

    /// The most streams of WatchFeed that one tenant may have at a time, on this server. Further ones are refused with
    /// TOO_MANY_WATCHERS.
    feed_watchers: usize = 2_048, Count(1, 100_000), WithoutFlag;

    /// The most streams of WatchWallet that one tenant may have at a time, on this server; one wallet may have 256 of
    /// them. Further ones are refused with TOO_MANY_WATCHERS.
    wallet_watchers: usize = 4_096, Count(1, 1_000_000), WithoutFlag;

    /// The most commands that wait in one lane, which limits memory. Further ones are refused with OVERLOADED. Commands
    /// that end jobs may use all places, others a part.
    waiting_per_lane: usize = 8_192, Count(64, 1_000_000), WithoutFlag;

    /// The most commands that wait for one wallet; at most `waiting_per_lane`.
    waiting_per_wallet: usize = 4_096, Count(16, 1_000_000), WithoutFlag;

    /// The most connections at a time; fewer if the process may not open as many descriptors.
    connections: usize = 8_192, Count(16, 1_000_000), WithoutFlag;

    /// The most connections of one address, or of one network (/64) of IPv6. For a further one, the one without a call
    /// for the longest time is closed; if all have calls, the new one is. Behind a proxy all callers have its address.
    connections_per_address: Option<usize> = None => "none; an address may have all connections",
        Count(1, 1_000_000), WithoutFlag;

    /// The most connections that have not completed the TLS handshake or not sent their first bytes. For a further one,
    /// the oldest of them is closed.
    half_open: usize = 1_024, Count(16, 1_000_000), WithoutFlag;

    /// The most calls in progress on one connection; further ones wait in the client, where admission does not see
    /// them. A client with more calls opens several connections.
    streams_per_connection: u32 = 100, Count(1, 10_000), WithoutFlag;

    /// The most calls in progress on one connection whose replies are pages; further ones wait.
    pages_per_connection: usize = 4, Count(1, 1_000), WithoutFlag;

    /// The most bytes of replies that peers have not read, over the whole server. Above it, the connection with the
    /// most unread bytes is closed.
    unread_bytes: usize = 64 * 1_024 * 1_024, Bytes(MIB, 16 * 1_024 * MIB), WithoutFlag;

    /// The most bytes of a reply that the transport buffers for a stream.
    send_buffer_bytes: usize = 64 * 1_024, Bytes(16 * KIB, 16 * MIB), WithoutFlag;

    /// The flow-control window of a stream: the most request bytes that the server has not read.
    stream_window_bytes: u32 = 128 * 1_024, Bytes(64 * KIB, 16 * MIB), WithoutFlag;

    /// The flow-control window of a connection.
    connection_window_bytes: u32 = 1_024 * 1_024, Bytes(64 * KIB, 256 * MIB), WithoutFlag;

    /// The most bytes of all headers of a call.
    header_list_bytes: u32 = 16 * 1_024, Bytes(8 * KIB, 256 * KIB), WithoutFlag;

    /// The most headers of a request with HTTP/1.1.
    headers: usize = 100, Count(32, 1_000), WithoutFlag;

    /// The most bytes of a request, before and after decompression. Some methods have limits of their own below.
    message_bytes: usize = 64 * 1_024, Bytes(64 * KIB, 4 * MIB), WithoutFlag;

    /// The most bytes of a request with many items. The floor fits an EstimateMany of 100 operations with 32 attributes
    /// and 32 quantities of full length.
    many_message_bytes: usize = 4 * 1_024 * 1_024, Bytes(2 * MIB, 64 * MIB), WithoutFlag;

    /// The most bytes of a request to the catalog service. The floor fits a document of 256 KiB.
    catalog_message_bytes: usize = 512 * 1_024, Bytes(320 * KIB, 8 * MIB), WithoutFlag;

    /// The time in which a new connection must complete the TLS handshake, and then send its first bytes, for HTTP/2
    /// the preface.
    preface_time: Duration = Duration::from_secs(5), Millis(100, 60_000), WithoutFlag;

    /// The time in which a peer with HTTP/1.1 must send the headers of its next request, the pause before them
    /// included.
    header_time: Duration = Duration::from_secs(30), Millis(1_000, 600_000), WithoutFlag;

    /// The time for which a connection may stay open without a call.
    idle_time: Duration = Duration::from_secs(600), Millis(1_000, 86_400_000), WithoutFlag;

    /// The time after which a connection is closed if its peer reads nothing that was sent.
    stalled_time: Duration = Duration::from_secs(10), Millis(1_000, 600_000), WithoutFlag;

    /// The interval of keep-alive pings on a connection without traffic.
    keepalive_interval: Duration = Duration::from_secs(30), Millis(1_000, 3_600_000), WithoutFlag;

    /// The time in which a peer must answer a keep-alive ping.
    keepalive_timeout: Duration = Duration::from_secs(10), Millis(1_000, 600_000), WithoutFlag;

    /// The age at which the server asks the client to reconnect, so that load spreads over replicas.
    connection_age: Option<Duration> = None => "none; connections may live on", Millis(10_000, 604_800_000), WithoutFlag;

    /// The most calls that a peer may open and reset before the server has accepted them (rapid reset).
    pending_resets: Option<usize> = None => "twice `streams_per_connection`, so that a peer may cancel all its calls \
        and the calls after them", Count(1, 20_000), WithoutFlag;

    /// The most streams that the server resets because of a peer's errors before it closes the connection.
    own_resets: usize = 1_024, Count(16, 100_000), WithoutFlag;

    /// The time in which calls in progress may finish after the order to stop.
    drain: Duration = Duration::from_secs(10), Millis(0, 600_000), WithoutFlag;

    /// The time for which a connection without calls stays open after the order to stop.
    farewell: Duration = Duration::from_millis(500), Millis(0, 60_000), WithoutFlag;
}
