//! The methods whose calls can travel together. A request with one call is the single call itself.

use std::fmt::Debug;

use prost::Message;
use tonic::{Request, Response, Status};

use super::sender::Sender;
use super::{Coalescing, Route};
use crate::Error;
use crate::client::prepare;
use crate::servers::Target;
use crate::v1;
use crate::v1::wallet_service_client::WalletServiceClient;

/// A method that has one kind of request for a single call and another for many.
pub(crate) trait Method: Debug + Sized + 'static {
    type Request: Message + Clone + Send + 'static;
    type Response: Debug + Send + 'static;

    /// Returns the queue of the method.
    fn sender(of: &Coalescing) -> &Sender<Self>;

    /// Makes a single call.
    fn send_one(
        route: &Route,
        request: Self::Request,
        target: Target,
    ) -> impl Future<Output = Result<Self::Response, Status>> + Send;

    /// Makes one call for all of these, and returns their answers in this order.
    fn send(
        route: &Route,
        requests: Vec<Self::Request>,
        target: Target,
    ) -> impl Future<Output = Result<Vec<Result<Self::Response, Error>>, Status>> + Send;
}

macro_rules! methods {
    ($($method:ident: $one:ident($request:ident) -> $response:ident, $many:ident($many_request:ident);)*) => {$(
        #[doc = concat!("The method ", stringify!($method), ".")]
        #[derive(Debug)]
        pub(crate) enum $method {}

        impl Method for $method {
            type Request = v1::$request;
            type Response = v1::$response;

            fn sender(of: &Coalescing) -> &Sender<Self> {
                &of.$one
            }

            async fn send_one(
                route: &Route,
                request: Self::Request,
                target: Target,
            ) -> Result<Self::Response, Status> {
                let mut stub = WalletServiceClient::new(route.servers.clone())
                    .max_decoding_message_size(route.max_response_bytes);
                stub.$one(prepare(&route.metadata, request, target)).await.map(Response::into_inner)
            }

            async fn send(
                route: &Route,
                mut requests: Vec<Self::Request>,
                target: Target,
            ) -> Result<Vec<Result<Self::Response, Error>>, Status> {
                if requests.len() == 1
                    && let Some(request) = requests.pop()
                {
                    return Ok(vec![Ok(Self::send_one(route, request, target).await?)]);
                }
                // Each item may be as large as the response to a single call.
                let bytes = route.max_response_bytes.saturating_mul(requests.len());
                let mut stub =
                    WalletServiceClient::new(route.servers.clone()).max_decoding_message_size(bytes);
                let request: Request<v1::$many_request> =
                    prepare(&route.metadata, v1::$many_request { requests }, target);
                let response = stub.$many(request).await?.into_inner();
                let result = |item: Option<Result<v1::$response, v1::ItemError>>| match item {
                    Some(result) => result.map_err(Error::from),
                    None => Err(Error::incomplete("the result of an item")),
                };
                Ok(response.results.into_iter().map(|item| result(item.into_result())).collect())
            }
        }
    )*};
}

methods! {
    Reserve: reserve(ReserveRequest) -> ReserveResponse, reserve_many(ReserveManyRequest);
    Extend: extend(ExtendRequest) -> ExtendResponse, extend_many(ExtendManyRequest);
    Settle: settle(SettleRequest) -> SettleResponse, settle_many(SettleManyRequest);
}
