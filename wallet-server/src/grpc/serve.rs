//! Serving on a bound listener until told to stop.

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::{GrpcLimits, Health, Services, router};

/// Why the server could not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The descriptors do not fit together.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The network.
    #[error("transport: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves until `shutdown`, then says so to health checks, takes no more connections, and lets the calls in
/// progress finish within the drain time. The caller sets `health` to serving.
pub(crate) async fn serve(
    listener: TcpListener,
    services: Services,
    health: Health,
    limits: GrpcLimits,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let service = router::layered(router::routes(services, &health, &limits)?, &limits);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let stopping = {
        let (shutdown, health) = (shutdown.clone(), health.clone());
        async move {
            shutdown.cancelled().await;
            health.set_serving(false).await;
        }
    };
    // A silent connection would hold the graceful end for ever, hence the deadline beside it.
    let drained = async {
        shutdown.cancelled().await;
        tokio::time::sleep(limits.drain).await;
    };
    tokio::select! {
        served = transport(&limits).serve_with_incoming_shutdown(service, incoming, stopping) => Ok(served?),
        () = drained => {
            tracing::warn!(drain = ?limits.drain, "connections were still open at the end of the drain time");
            Ok(())
        }
    }
}

fn transport(limits: &GrpcLimits) -> Server {
    let server = Server::builder()
        .max_concurrent_streams(limits.streams_per_connection)
        .http2_max_header_list_size(limits.header_list_bytes)
        .http2_keepalive_interval(Some(limits.keepalive_interval))
        .http2_keepalive_timeout(Some(limits.keepalive_timeout))
        .http2_max_pending_accept_reset_streams(Some(limits.pending_resets))
        .http2_max_local_error_reset_streams(Some(limits.own_resets));
    match limits.connection_age {
        // Without tonic's grace: with one it would cut connections off instead of asking them to go.
        Some(age) => server.max_connection_age(age),
        None => server,
    }
}
