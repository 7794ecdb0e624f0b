//! The list of all services and of the layers around them.

use std::sync::Arc;

use http::{Request, Response, header};
use tonic::body::Body;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::service::Routes;
use tonic_reflection::server as reflection;
use tower::{BoxError, Service, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use wallet_proto::v1::admin_service_server::AdminServiceServer;
use wallet_proto::v1::catalog_service_server::CatalogServiceServer;
use wallet_proto::v1::event_service_server::EventServiceServer;
use wallet_proto::v1::test_clock_service_server::TestClockServiceServer;
use wallet_proto::v1::wallet_service_server::WalletServiceServer;

use super::admin::AdminRpcs;
use super::catalog::CatalogRpcs;
use super::event::EventRpcs;
use super::layers::{
    DeadlineLayer, InProgressLayer, MakeUuidV7, OnlyGrpc, answer_panic, framed, identify, tracing_layer,
    with_safe_id,
};
use super::test_clock::TestClockRpcs;
use super::wallet::WalletRpcs;
use super::{GrpcLimits, Health, Services};

/// Returns the routes of all services, reflection and health included.
pub(super) fn routes(
    services: Services,
    health: &Health,
    limits: &GrpcLimits,
) -> Result<Routes, reflection::Error> {
    let services = Arc::new(services);
    let wallet = WalletServiceServer::new(WalletRpcs(Arc::clone(&services)));
    let admin = AdminServiceServer::new(AdminRpcs(Arc::clone(&services)));
    let catalog = CatalogServiceServer::new(CatalogRpcs(Arc::clone(&services)));
    let event = EventServiceServer::new(EventRpcs(Arc::clone(&services)));
    let time = services.manual_time.clone();
    let test_clock = time.map(|time| TestClockServiceServer::new(TestClockRpcs { services, time }));
    let manual = test_clock.is_some();
    let mut routes = Routes::builder();
    // The limits of tonic are per service and apply after decompression. A layer applies the limits per method.
    macro_rules! add {
        ($($service:expr, $bytes:expr;)+) => {$(
            routes.add_service(
                $service
                    .max_decoding_message_size($bytes)
                    .accept_compressed(Gzip)
                    .send_compressed(Gzip),
            );
        )+};
    }
    add! {
        wallet, limits.many_message_bytes;
        admin, limits.message_bytes;
        event, limits.message_bytes;
        catalog, limits.catalog_message_bytes;
        health.server(), limits.message_bytes;
        reflector(manual).build_v1()?, limits.message_bytes;
        reflector(manual).build_v1alpha()?, limits.message_bytes;
    }
    if let Some(test_clock) = test_clock {
        add! { test_clock, limits.message_bytes; }
    }
    Ok(routes.routes())
}

/// Returns the description of the services; `manual` adds that of a manual clock.
fn reflector(manual: bool) -> reflection::Builder<'static> {
    let usual = reflection::Builder::configure()
        .register_encoded_file_descriptor_set(wallet_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
    if manual {
        usual.register_encoded_file_descriptor_set(wallet_proto::TEST_CLOCK_DESCRIPTOR_SET)
    } else {
        usual
    }
}

/// Wraps the services in their layers, which are listed outermost first.
pub(super) fn layered(
    routes: Routes,
    limits: &GrpcLimits,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = BoxError, Future: Send> + Clone + Send + use<>
{
    let limits = limits.clone();
    ServiceBuilder::new()
        .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION]))
        .map_request(with_safe_id)
        .layer(SetRequestIdLayer::x_request_id(MakeUuidV7))
        .map_response(|response: Response<_>| response.map(Body::new))
        .layer(tracing_layer())
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer_fn(OnlyGrpc)
        .layer(DeadlineLayer::new(limits.longest_call))
        .layer(InProgressLayer::new(limits.calls_in_progress))
        .map_response(|response: Response<_>| response.map(Body::new))
        .layer(CatchPanicLayer::custom(answer_panic))
        .map_request(move |request: Request<Body>| {
            let most = limits.request_bytes(request.uri().path());
            identify(framed(request, most))
        })
        .map_err(BoxError::from)
        .service(routes.prepare())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;
    use tonic::{Code, Status};
    use tonic_types::StatusExt;
    use tower::ServiceExt;

    use super::*;
    use crate::grpc::test_service::Misbehaving;

    fn service()
    -> impl Service<Request<Body>, Response = Response<Body>, Error = BoxError, Future: Send> + Clone + Send
    {
        let limits = GrpcLimits { calls_in_progress: 2, ..GrpcLimits::default() };
        layered(Routes::new(Misbehaving), &limits)
    }

    fn request(how: &str, timeout: &str) -> Request<Body> {
        Request::builder()
            .method("POST")
            .uri(format!("/test.Misbehaving/{how}"))
            .header("content-type", "application/grpc")
            .header("grpc-timeout", timeout)
            .body(Body::default())
            .unwrap()
    }

    fn status(headers: &HeaderMap) -> Status {
        Status::from_header_map(headers).unwrap()
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error_and_other_calls_go_on() {
        let service = service();
        for _ in 0..3 {
            let answer = service.clone().oneshot(request("panic", "1S")).await.unwrap();
            assert_eq!(status(answer.headers()).code(), Code::Internal);
            assert!(
                answer.headers().contains_key("x-request-id"),
                "the id under which the log has the panic"
            );
        }
    }

    #[tokio::test]
    async fn handlers_know_the_tenant_and_callers_their_request_id() {
        let mut request = request("fine", "1S");
        request.headers_mut().insert("x-request-id", "mine".parse().unwrap());
        let answer = service().oneshot(request).await.unwrap();
        assert_eq!(status(answer.headers()).message(), "tenant");
        assert_eq!(answer.headers()["x-request-id"], "mine");
    }

    #[tokio::test]
    async fn a_full_server_refuses_at_once_and_recovers() {
        let service = service();
        let hanging: Vec<_> =
            (0..2).map(|_| tokio::spawn(service.clone().oneshot(request("hang", "20S")))).collect();
        tokio::task::yield_now().await;
        let shed = service.clone().oneshot(request("fine", "20S"));
        let shed = tokio::time::timeout(Duration::from_secs(10), shed).await.expect("at once");
        let shed = status(shed.unwrap().headers());
        assert_eq!(shed.code(), Code::Unavailable);
        assert_eq!(shed.get_error_details().error_info().unwrap().reason, "OVERLOADED");
        assert!(shed.get_error_details().retry_info().is_some());
        for hung in hanging {
            hung.abort();
            assert!(hung.await.unwrap_err().is_cancelled());
        }
        let answer = service.oneshot(request("fine", "1S")).await.unwrap();
        assert_eq!(status(answer.headers()).code(), Code::Ok);
    }

    #[test]
    fn the_descriptors_fit_together() {
        for manual in [false, true] {
            assert!(reflector(manual).build_v1().is_ok());
            assert!(reflector(manual).build_v1alpha().is_ok());
        }
    }
}
