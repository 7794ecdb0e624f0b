//! The RPCs of `WalletService`, which workers and product back ends call.

use crate::client::rpc_methods;
use crate::coalesce::{Extend, Reserve, Settle};
use crate::error::reason_of_end;
use crate::servers::Servers;
use crate::v1::wallet_service_client::WalletServiceClient;
use crate::{Error, WalletClient, v1};

rpc_methods! {
    WalletServiceClient {
        /// Prices a job and returns whether the wallet could pay for it now. Changes nothing.
        ///
        /// The call also succeeds if a Reserve would be refused: the response's `decision` has the reason, next to the
        /// missing amounts and the packs and plans that would cover them.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `NO_PRICE_RULE` if the catalog has no price for the operation,
        /// `CATALOG_NOT_FOUND` if the requested version does not exist, `CATALOG_UNUSABLE` if its stored text is
        /// damaged; and the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let video = v1::Operation::new("video.generate").attribute("model", "standard").quantity("duration_s", "5");
        /// let estimate = client.estimate(v1::EstimateRequest::new("alice", video)).await?;
        /// match estimate.decision() {
        ///     v1::Decision::Allowed => println!("costs {:?}", estimate.amounts),
        ///     v1::Decision::InsufficientCredits => println!("missing {:?}", estimate.shortfall),
        ///     other => println!("not possible: {}", other.as_str_name()),
        /// }
        /// # Ok(())
        /// # }
        /// ```
        estimate(EstimateRequest) -> EstimateResponse;

        /// Prices up to 100 jobs against one balance, each as if the wallet ran that job alone. Changes nothing.
        ///
        /// An operation that has no price fails alone: its result holds an [`ItemError`](v1::ItemError), which
        /// converts to a [`Refusal`](crate::Refusal).
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `CATALOG_NOT_FOUND` if the requested version does not exist, `CATALOG_UNUSABLE`
        /// if its stored text is damaged; and the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// # use wallet_client::Refusal;
        /// use v1::estimate_result::Result::{Error as Refused, Estimate};
        ///
        /// let models = ["fast", "detailed"];
        /// let operations = models.map(|model| {
        ///     v1::Operation::new("image.generate").attribute("model", model).quantity("count", "4")
        /// });
        /// let answer = client.estimate_many(v1::EstimateManyRequest::new("alice", operations)).await?;
        /// for (model, result) in models.iter().zip(answer.results) {
        ///     match result.result {
        ///         Some(Estimate(estimate)) => println!("{model}: {:?}", estimate.amounts),
        ///         Some(Refused(error)) => println!("{model}: {}", Refusal::from(error)),
        ///         None => {}
        ///     }
        /// }
        /// # Ok(())
        /// # }
        /// ```
        estimate_many(EstimateManyRequest) -> EstimateManyResponse;

        /// Starts a reserved job, or takes it over from a worker with a lower attempt. From here on a cancel by the
        /// user may cost a fee.
        ///
        /// [`hold_existing`](Self::hold_existing) starts a job and keeps its hold alive.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `RESERVATION_NOT_FOUND`, `STALE_ATTEMPT` if a higher attempt, or another worker
        /// with the same one, has the job, or `RESERVATION_SETTLED`, `RESERVATION_FAILED`, `RESERVATION_CANCELLED`
        /// or `RESERVATION_EXPIRED` if it has ended; and the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// # use std::time::Duration;
        /// let start = v1::StartOptions::new("gpu-7").with_lease(Duration::from_secs(60));
        /// let started = client.start(v1::StartRequest::new("alice", "job-1", start)).await?;
        /// println!("the hold expires at {:?}", started.reservation.and_then(|r| r.deadline));
        /// # Ok(())
        /// # }
        /// ```
        start(StartRequest) -> StartResponse;

        /// Cancels a job that has not ended. The reason decides whether the price rule's cancel fee is charged.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `RESERVATION_NOT_FOUND` (unless the request allows a missing reservation),
        /// `RESERVATION_SETTLED` or `RESERVATION_FAILED` if the job has ended another way, `FEE_ABOVE_LIMIT` if the
        /// fee is higher than the caller accepts; and the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let request = v1::CancelRequest::new("alice", "job-1", v1::CancelReason::User)
        ///     .with_max_fees([v1::Amount::new("credits", 20)]);
        /// let cancelled = client.cancel(request).await?;
        /// println!("fee {:?}", cancelled.reservation.unwrap_or_default().fees);
        /// # Ok(())
        /// # }
        /// ```
        cancel(CancelRequest) -> CancelResponse;

        /// Adds purchased credits. One payment credits a wallet once: if it did before under another id, the
        /// response names that id.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `PACK_NOT_FOUND`, `PACK_NOT_AVAILABLE` if the pack is not for sale on the wallet's
        /// plan, `CATALOG_NOT_FOUND` or `CATALOG_UNUSABLE` for a catalog version of the request, or `WALLET_CLOSED`;
        /// and the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let order = v1::TopUpRequest::amount("alice", "order-1", v1::Amount::new("credits", 1000))
        ///     .with_external_ref(v1::ExternalRef::new("stripe", "pi_3Nx"));
        /// let topped_up = client.top_up(order).await?;
        /// println!("balances {:?}", topped_up.balances);
        /// # Ok(())
        /// # }
        /// ```
        top_up(TopUpRequest) -> TopUpResponse;

        /// Returns the balances of a wallet, one per unit. Everything that is due by now is counted.
        ///
        /// # Errors
        ///
        /// The [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// for balance in client.get_balance(v1::GetBalanceRequest::new("alice")).await?.balances {
        ///     let available = balance.available.unwrap_or_default();
        ///     println!("{} {}", available.display, available.unit);
        /// }
        /// # Ok(())
        /// # }
        /// ```
        get_balance(GetBalanceRequest) -> GetBalanceResponse;

        /// Returns the operations, limits and features that the wallet's plan allows.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `CATALOG_UNUSABLE` if the stored text of the catalog is damaged; and the [errors
        /// of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let allowed = client.get_entitlements(v1::GetEntitlementsRequest::new("alice")).await?;
        /// println!("plan {}, {:?} jobs at once", allowed.plan_id, allowed.limits.get("concurrency"));
        /// # Ok(())
        /// # }
        /// ```
        get_entitlements(GetEntitlementsRequest) -> GetEntitlementsResponse;

        /// Returns one reservation as it stands now.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `RESERVATION_NOT_FOUND`; and the [errors of every
        /// call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let request = v1::GetReservationRequest::new("alice", "job-1");
        /// let reservation = client.get_reservation(request).await?.reservation.unwrap_or_default();
        /// println!("{}", reservation.state().as_str_name());
        /// # Ok(())
        /// # }
        /// ```
        get_reservation(GetReservationRequest) -> GetReservationResponse;

        /// Returns a page of a wallet's reservations, the newest first.
        /// [`list_reservations_stream`](Self::list_reservations_stream) reads all pages.
        ///
        /// # Errors
        ///
        /// The [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let request = v1::ListReservationsRequest::new("alice").with_states([v1::ReservationState::Processing]);
        /// println!("{} jobs on the first page", client.list_reservations(request).await?.reservations.len());
        /// # Ok(())
        /// # }
        /// ```
        list_reservations(ListReservationsRequest) -> ListReservationsResponse;

        /// Returns a page of a wallet's grants in spending order, followed by the closed ones if the request
        /// includes them. [`list_grants_stream`](Self::list_grants_stream) reads all pages.
        ///
        /// # Errors
        ///
        /// The [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// for grant in client.list_grants(v1::ListGrantsRequest::new("alice")).await?.grants {
        ///     println!("{}: {} available", grant.grant_id, grant.available);
        /// }
        /// # Ok(())
        /// # }
        /// ```
        list_grants(ListGrantsRequest) -> ListGrantsResponse;

        /// Returns a page of a wallet's ledger, by revision. [`list_entries_stream`](Self::list_entries_stream)
        /// reads all pages.
        ///
        /// # Errors
        ///
        /// The [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let request = v1::ListEntriesRequest::new("alice").with_reservation_id("job-1");
        /// for entry in client.list_entries(request).await?.entries {
        ///     println!("{} {}", entry.revision, entry.kind().as_str_name());
        /// }
        /// # Ok(())
        /// # }
        /// ```
        list_entries(ListEntriesRequest) -> ListEntriesResponse;

        /// Returns totals over the wallet's jobs that finished within a time range, grouped by the given
        /// dimensions.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `LIMIT_EXCEEDED` if there are more than 10,000 groups, or too many jobs in the
        /// range; and the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let by_model = v1::UsageGroupBy::new(v1::UsageDimension::Model);
        /// let usage = client.summarize_usage(v1::SummarizeUsageRequest::new("alice").group_by(by_model)).await?;
        /// for row in usage.rows {
        ///     println!("{:?}: {:?}", row.values, row.sums.unwrap_or_default().charged);
        /// }
        /// # Ok(())
        /// # }
        /// ```
        summarize_usage(SummarizeUsageRequest) -> SummarizeUsageResponse;
    }
}

impl WalletClient {
    /// Sets credits aside for a job. [`hold`](Self::hold) does the same for a worker that runs the job at once.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`] if an equal request reserved the job before and the job has ended since: do not run it again.
    ///
    /// [`Error::Refused`] with `INSUFFICIENT_CREDITS`, `PRICE_ABOVE_LIMIT`, `NOT_ENTITLED`, `LIMIT_EXCEEDED`,
    /// `CONCURRENCY_LIMIT`, `IN_DEBT`, `WALLET_SUSPENDED`, `WALLET_CLOSED`, `NO_PRICE_RULE`, `QUOTE_EXPIRED`,
    /// `QUOTE_INVALID`, or `CATALOG_UNUSABLE`; with `RESERVATION_SETTLED`, `RESERVATION_FAILED`, `RESERVATION_CANCELLED`
    /// or `RESERVATION_EXPIRED` if the job has ended and the request differs or starts it; with `STALE_ATTEMPT` if it
    /// starts a job that a higher attempt, or another worker with this attempt, has; and the
    /// [errors of every call](Error#errors-of-every-call).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let video = v1::Operation::new("video.generate").attribute("model", "standard").quantity("duration_s", "5");
    /// let request = v1::ReserveRequest::new("alice", "job-1", video).with_limits([v1::Amount::new("credits", 50)]);
    /// let reserved = client.reserve(request).await?;
    /// println!("holds {:?}", reserved.reservation.unwrap_or_default().amounts);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn reserve(&self, request: v1::ReserveRequest) -> Result<v1::ReserveResponse, Error> {
        let response = self.call_coalesced::<Reserve>(request).await?;
        match response.reservation {
            Some(ended) if reason_of_end(ended.state()).is_some() => Err(Error::Ended(Box::new(ended))),
            _ => Ok(response),
        }
    }

    /// Sends a heartbeat: moves the deadline of the hold, and returns the state of the job. A
    /// [`Hold`](crate::Hold) does this in the background.
    ///
    /// The call also succeeds if the job has ended: stop when the state is neither `Held` nor `Processing`.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with `RESERVATION_NOT_FOUND`, or `STALE_ATTEMPT` if a higher attempt has the job; and
    /// the [errors of every call](Error#errors-of-every-call).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let request = v1::ExtendRequest::new("alice", "job-1").with_attempt(1);
    /// if client.extend(request).await?.state() != v1::ReservationState::Processing {
    ///     println!("stop the GPU");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn extend(&self, request: v1::ExtendRequest) -> Result<v1::ExtendResponse, Error> {
        self.call_coalesced::<Extend>(request).await
    }

    /// Ends a job: charges its cost and returns the rest of the hold. For a job that failed, the cost is a failure fee
    /// if its price rule has one, or nothing.
    ///
    /// Deliver output only after this has returned `Ok`.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with `RESERVATION_NOT_FOUND`, `STALE_ATTEMPT` if a higher attempt has the job,
    /// `RESERVATION_CANCELLED` or `RESERVATION_EXPIRED` if it was cancelled or has expired, `IDEMPOTENCY_MISMATCH` if
    /// a Settle with other content has ended it, `UNIT_MISMATCH` if amounts are given in a unit that was not reserved,
    /// `INSUFFICIENT_CREDITS` if the cost must be charged in full and is not available, `CATALOG_UNUSABLE` if the
    /// catalog that prices the usage cannot be read; and the [errors of every call](Error#errors-of-every-call).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let cost = v1::Succeeded::usage([("duration_s", "4")]);
    /// let settled = client.settle(v1::SettleRequest::succeeded("alice", "job-1", cost)).await?;
    /// println!("charged {:?}", settled.reservation.unwrap_or_default().charged);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn settle(&self, request: v1::SettleRequest) -> Result<v1::SettleResponse, Error> {
        self.call_coalesced::<Settle>(request).await
    }

    /// Reserves for up to 256 jobs of any wallets with one request. Each item is decided like a [`reserve`](Self::reserve)
    /// of its own and fails alone; the items of a wallet are executed in their order.
    ///
    /// Tasks that make single calls need no such method: the client [coalesces](Self#coalescing) them. The call as a whole
    /// is retried, items are not: an [`ItemError`](v1::ItemError) converts to the [`Error`] that the single call would
    /// have, whose [`is_retryable`](Error::is_retryable) tells whether to send the item again. An item whose job has ended
    /// has a response with that state, not [`Error::Ended`].
    ///
    /// # Errors
    ///
    /// Those of [every call](Error#errors-of-every-call), for the call as a whole.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient, jobs: Vec<v1::ReserveRequest>) -> Result<(), Error> {
    /// let response = client.reserve_many(v1::ReserveManyRequest::new(jobs)).await?;
    /// for result in response.results {
    ///     match result.into_result() {
    ///         Some(Ok(reserved)) => println!("holds {:?}", reserved.reservation.unwrap_or_default().amounts),
    ///         Some(Err(item)) => println!("{}", Error::from(item)),
    ///         None => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn reserve_many(
        &self,
        request: v1::ReserveManyRequest,
    ) -> Result<v1::ReserveManyResponse, Error> {
        let stub = self.stub_for(request.requests.len());
        self.call(stub, request, |mut stub, call| async move { stub.reserve_many(call).await }).await
    }

    /// Sends the heartbeats of up to 256 jobs of any wallets with one request. Each item is decided like an
    /// [`extend`](Self::extend) of its own and fails alone. The items' errors and retries are those of
    /// [`reserve_many`](Self::reserve_many).
    ///
    /// # Errors
    ///
    /// Those of [every call](Error#errors-of-every-call), for the call as a whole.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let jobs = ["job-1", "job-2"].map(|job| v1::ExtendRequest::new("alice", job));
    /// for result in client.extend_many(v1::ExtendManyRequest::new(jobs)).await?.results {
    ///     println!("{:?}", result.into_result());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn extend_many(&self, request: v1::ExtendManyRequest) -> Result<v1::ExtendManyResponse, Error> {
        let stub = self.stub_for(request.requests.len());
        self.call(stub, request, |mut stub, call| async move { stub.extend_many(call).await }).await
    }

    /// Ends up to 256 jobs of any wallets with one request. Each item is decided like a [`settle`](Self::settle) of its own
    /// and fails alone; the items of a wallet are executed in their order. The items' errors and retries are those of
    /// [`reserve_many`](Self::reserve_many).
    ///
    /// Deliver the output of a job only after its item has a response.
    ///
    /// # Errors
    ///
    /// Those of [every call](Error#errors-of-every-call), for the call as a whole.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let done = ["job-1", "job-2"]
    ///     .map(|job| v1::SettleRequest::succeeded("alice", job, v1::Succeeded::as_reserved()));
    /// for result in client.settle_many(v1::SettleManyRequest::new(done)).await?.results {
    ///     println!("{:?}", result.into_result());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn settle_many(&self, request: v1::SettleManyRequest) -> Result<v1::SettleManyResponse, Error> {
        let stub = self.stub_for(request.requests.len());
        self.call(stub, request, |mut stub, call| async move { stub.settle_many(call).await }).await
    }

    /// Returns the stub for a response with this number of items, each of which may be as large as a whole response.
    fn stub_for(&self, items: usize) -> WalletServiceClient<Servers> {
        let bytes = self.max_response_bytes().saturating_mul(items.max(1));
        WalletServiceClient::new(self.servers()).max_decoding_message_size(bytes)
    }
}
