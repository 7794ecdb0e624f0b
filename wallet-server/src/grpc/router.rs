//! All services, and all layers around them.

use http::{Request, Response, header};
use std::sync::Arc;
use tonic::body::Body;
use tonic::service::{RecoverErrorLayer, Routes};
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::{BoxError, Service, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tonic_reflection::server as reflection;
use wallet_proto::v1::admin_service_server::AdminServiceServer;
use wallet_proto::v1::catalog_service_server::CatalogServiceServer;
use wallet_proto::v1::wallet_service_server::WalletServiceServer;

use super::admin::AdminRpcs;
use super::catalog::CatalogRpcs;
use super::layers::{DeadlineLayer, MakeUuidV7, answer_panic, identify, say_overloaded, tracing_layer};
use super::wallet::WalletRpcs;
use super::{GrpcLimits, Health, Services};

/// What the server answers, reflection and health included.
pub(super) fn routes(
    services: Services,
    health: &Health,
    limits: &GrpcLimits,
) -> Result<Routes, reflection::Error> {
    let services = Arc::new(services);
    let wallet = WalletServiceServer::new(WalletRpcs(Arc::clone(&services)));
    let admin = AdminServiceServer::new(AdminRpcs(Arc::clone(&services)));
    let catalog = CatalogServiceServer::new(CatalogRpcs(services));
    let mut routes = Routes::builder();
    routes
        .add_service(wallet.max_decoding_message_size(limits.message_bytes))
        .add_service(admin.max_decoding_message_size(limits.message_bytes))
        .add_service(catalog.max_decoding_message_size(limits.catalog_message_bytes))
        .add_service(health.server().max_decoding_message_size(limits.message_bytes))
        .add_service(reflector().build_v1()?.max_decoding_message_size(limits.message_bytes))
        .add_service(reflector().build_v1alpha()?.max_decoding_message_size(limits.message_bytes));
    Ok(routes.routes())
}

fn reflector() -> reflection::Builder<'static> {
    reflection::Builder::configure()
        .register_encoded_file_descriptor_set(wallet_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

/// The services inside their layers, the outermost first.
pub(super) fn layered(
    routes: Routes,
    limits: &GrpcLimits,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = BoxError, Future: Send> + Clone + Send + 'static
{
    ServiceBuilder::new()
        .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION]))
        .layer(SetRequestIdLayer::x_request_id(MakeUuidV7))
        .map_response(|response: Response<_>| response.map(Body::new))
        .layer(tracing_layer())
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(DeadlineLayer::new(limits.longest_call))
        .map_response(|response: Response<_>| response.map(Body::new))
        .layer(RecoverErrorLayer::new())
        .map_err(say_overloaded)
        .load_shed()
        .layer(GlobalConcurrencyLimitLayer::new(limits.calls_in_progress))
        .layer(CatchPanicLayer::custom(answer_panic))
        .map_request(identify)
        .service(routes.prepare())
}
