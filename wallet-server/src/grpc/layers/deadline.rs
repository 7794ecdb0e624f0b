//! Deadlines: every call has one, and is answered with DEADLINE_EXCEEDED when it passes.
//!
//! Dropping a handler at its deadline loses nothing: its command runs in a task of the engine, and the caller learns
//! the outcome by repeating the call with the same ids.

use std::time::Duration;

use http::HeaderMap;
use http::Response;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

use crate::grpc::error::RpcError;
use crate::grpc::transport::run_until;

/// Runs a handler until its deadline. Returns DEADLINE_EXCEEDED if that passes.
pub(crate) async fn in_time<T>(
    deadline: Instant,
    handler: impl Future<Output = T>,
) -> Result<T, Response<Body>> {
    // The command may have been executed: only the engine knows that it certainly was not.
    let late = || Status::from(RpcError::no_answer()).into_http();
    // A timer has a resolution of a millisecond, in which a short call could still be answered.
    if deadline <= Instant::now() {
        return Err(late());
    }
    run_until(deadline, handler).await.ok_or_else(late)
}

/// Returns the time for which the caller waits, at most `ceiling`.
pub(crate) fn time_left(headers: &HeaderMap, ceiling: Duration) -> Duration {
    let requested = headers.get("grpc-timeout").and_then(|value| parse(value.to_str().ok()?));
    requested.map_or(ceiling, |requested| requested.min(ceiling))
}

/// Parses a `grpc-timeout`: one to eight digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt;

    use super::*;
    use crate::grpc::transport::limited;

    #[test]
    fn the_callers_deadline_applies_up_to_the_ceiling() {
        let ceiling = Duration::from_secs(30);
        for (header, expected) in [
            (None, ceiling),
            (Some("2S"), Duration::from_secs(2)),
            (Some("250m"), Duration::from_millis(250)),
            (Some("1u"), Duration::from_micros(1)),
            (Some("99999999H"), ceiling),
            (Some("5"), ceiling),
            (Some("S"), ceiling),
            (Some(""), ceiling),
            (Some("-5S"), ceiling),
            (Some("123456789S"), ceiling),
            (Some("5D"), ceiling),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert("grpc-timeout", header.parse().unwrap());
            }
            assert_eq!(time_left(&headers, ceiling), expected, "{header:?}");
        }
    }

    #[tokio::test]
    async fn a_call_that_takes_too_long_is_answered_deadline_exceeded() {
        for wait in [0, 20] {
            let deadline = Instant::now() + Duration::from_millis(wait);
            let never = std::future::pending::<()>();
            let answer =
                limited(Duration::from_secs(30), in_time(deadline, never)).await.unwrap().unwrap_err();
            assert_eq!(answer.headers()["grpc-status"], "4");
            let status = Status::from_header_map(answer.headers()).unwrap();
            assert_eq!(status.get_error_details().error_info().unwrap().reason, "OUTCOME_UNKNOWN");
        }
    }
}
