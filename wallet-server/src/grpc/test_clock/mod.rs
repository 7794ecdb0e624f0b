//! `wallet.v1.TestClockService`. Each RPC has a file of its own; this one delegates to them.

mod advance_clock;

use std::sync::Arc;

use tonic::{Request, Response, Status};
use wallet_proto::v1;
use wallet_proto::v1::test_clock_service_server::TestClockService;

use super::Services;
use super::call::answer;

/// The service for trials and tests.
pub(super) struct TestClockRpcs(pub(super) Arc<Services>);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl TestClockService for TestClockRpcs {
    async fn advance_clock(
        &self,
        request: Request<v1::AdvanceClockRequest>,
    ) -> Answer<v1::AdvanceClockResponse> {
        answer(&self.0, request, advance_clock::advance_clock).await
    }
}
