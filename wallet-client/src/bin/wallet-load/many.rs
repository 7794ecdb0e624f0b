//! Jobs whose calls are items of ReserveMany and SettleMany.

use std::ops::Range;

use tokio::time::Instant;
use wallet_client::Error;
use wallet_client::v1::{
    ItemError, ReserveManyRequest, ReserveRequest, ReserveResult, SettleManyRequest, SettleRequest,
    SettleResult, Succeeded,
};

use crate::jobs::{Work, may_be_executed, operation};
use crate::recorder::Recorder;

impl Work {
    /// Reserves for these jobs with one call of the client with this number, and settles them with another.
    pub(crate) async fn run_many(&self, client: u64, jobs: Range<u64>, recorder: &Recorder) {
        let client = self.connections.client(client);
        let jobs: Vec<u64> = jobs.collect();
        let request = |n: &u64| ReserveRequest::new(&self.used(*n).id, self.id(*n), operation());
        let start = Instant::now();
        let call = client.reserve_many(ReserveManyRequest::new(jobs.iter().map(request))).await;
        let results = call.map(|response| response.results.into_iter().map(ReserveResult::into_result));
        let reserved = self.outcomes(&jobs, start, results, recorder);
        if reserved.is_empty() {
            return;
        }

        let jobs: Vec<u64> = reserved.into_iter().map(|(n, _)| n).collect();
        let request =
            |n: &u64| SettleRequest::succeeded(&self.used(*n).id, self.id(*n), Succeeded::as_reserved());
        let start = Instant::now();
        let call = client.settle_many(SettleManyRequest::new(jobs.iter().map(request))).await;
        let results = call.map(|response| response.results.into_iter().map(SettleResult::into_result));
        let settled = self.outcomes(&jobs, start, results, recorder);
        for (n, response) in &settled {
            self.used(*n).book(response.reservation.clone());
        }
        let is_settled = |n: &u64| settled.iter().any(|(settled, _)| settled == n);
        jobs.into_iter().filter(|n| !is_settled(n)).for_each(|n| self.leave_open(n));
    }

    /// Records each item and returns the responses. A job that may have changed its wallet and has no response is left
    /// open.
    fn outcomes<T>(
        &self,
        jobs: &[u64],
        start: Instant,
        results: Result<impl Iterator<Item = Option<Result<T, ItemError>>>, Error>,
        recorder: &Recorder,
    ) -> Vec<(u64, T)> {
        let now = Instant::now();
        let failed = |n: u64, error: &Error| {
            recorder.record(n, start, now, Some(error));
            if may_be_executed(error) {
                self.leave_open(n);
            }
        };
        let results = match results {
            Ok(results) => results,
            Err(error) => {
                jobs.iter().for_each(|n| failed(*n, &error));
                return Vec::new();
            }
        };
        let mut responses = Vec::new();
        for (n, result) in jobs.iter().zip(results) {
            match result {
                Some(Ok(response)) => {
                    recorder.record(*n, start, now, None);
                    responses.push((*n, response));
                }
                Some(Err(error)) => failed(*n, &Error::from(error)),
                // No server sends it. The balances show whether the item was executed.
                None => {}
            }
        }
        responses
    }
}
