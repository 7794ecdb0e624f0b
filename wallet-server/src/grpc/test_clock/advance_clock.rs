//! AdvanceClock: moves the clock of a test tenant, or a manual one, and records everything that falls due on the way.

use wallet_core::Rejection;
use wallet_proto::v1;

use crate::engine::{Moved, Step};
use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

pub(super) async fn advance_clock(
    call: Call,
    request: v1::AdvanceClockRequest,
) -> Result<v1::AdvanceClockResponse, RpcError> {
    let step = parse(request)?;
    let Moved { time, still_due } = call.services.time.advance(call.tenant, step, &call.author).await?;
    Ok(v1::AdvanceClockResponse {
        current_time: to_proto::instant(time),
        still_due_count: i64::try_from(still_due).unwrap_or(i64::MAX),
    })
}

fn parse(request: v1::AdvanceClockRequest) -> Result<Step, Rejection> {
    let mut fields = FieldReader::default();
    let step = fields.clock_step("step", request.step);
    fields.finish(|| step)
}
