//! AdvanceClock: moves a manual clock forward and records everything that falls due on the way.

use wallet_core::Rejection;
use wallet_proto::v1;

use crate::engine::{ManualTime, Step, TooFar};
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn advance_clock(
    time: ManualTime,
    request: v1::AdvanceClockRequest,
) -> Result<v1::AdvanceClockResponse, RpcError> {
    let current_time = time.advance(parse(request)?).map_err(|TooFar| {
        Rejection::field(
            "step",
            "moves the clock by more than 3,660 days; at most 3,660 are allowed in one call",
        )
    })?;
    time.catch_up().await?;
    Ok(v1::AdvanceClockResponse { current_time: to_proto::instant(current_time) })
}

fn parse(request: v1::AdvanceClockRequest) -> Result<Step, Rejection> {
    let mut fields = FieldReader::default();
    let step = fields.clock_step("step", request.step);
    fields.finish(|| step)
}
