//! Serving on a bound listener until told to stop.

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
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
    let routes = router::routes(services, &health, &limits)?;
    Ok(serve_routes(listener, routes, health, limits, shutdown).await?)
}

async fn serve_routes(
    listener: TcpListener,
    routes: Routes,
    health: Health,
    limits: GrpcLimits,
    shutdown: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let service = router::layered(routes, &limits);
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
        served = transport(&limits).serve_with_incoming_shutdown(service, incoming, stopping) => served,
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpStream;

    use super::*;
    use crate::grpc::misbehaving::Misbehaving;

    #[tokio::test]
    async fn a_silent_connection_does_not_hold_up_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = GrpcLimits { drain: Duration::from_millis(50), ..GrpcLimits::default() };
        let shutdown = CancellationToken::new();
        let health = Health::starting().await;
        let routes = Routes::new(Misbehaving);
        let server = tokio::spawn(serve_routes(listener, routes, health, limits, shutdown.clone()));

        let mut silent = TcpStream::connect(address).await.unwrap();
        silent.read_exact(&mut [0; 9]).await.unwrap();
        shutdown.cancel();
        let end = tokio::time::timeout(Duration::from_secs(10), server).await;
        end.expect("ends").unwrap().unwrap();
    }
}
