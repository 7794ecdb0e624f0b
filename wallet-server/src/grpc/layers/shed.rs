//! Load shedding: what the backstop in front of all services says to the calls it turns away.

use tonic::Status;
use tower::BoxError;
use tower::load_shed::error::Overloaded;

use crate::grpc::error::RpcError;

/// tower would answer RESOURCE_EXHAUSTED; a full server is UNAVAILABLE and asks to be tried again.
pub(crate) fn say_overloaded(error: BoxError) -> BoxError {
    match error.is::<Overloaded>() {
        true => Box::new(Status::from(RpcError::shed())),
        false => error,
    }
}
