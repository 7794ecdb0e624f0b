//! A wallet service that replies by script and hands each request to the test. It implements no rule of the wallet.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, async_trait};
use tonic_types::StatusExt;
use wallet_client::v1::wallet_service_server::{WalletService, WalletServiceServer};
use wallet_client::v1::{self, ReservationState};
use wallet_client::{ClientConfig, RetryPolicy, WalletClient};

/// The reply to the n-th call, counted from 0. `None`: no reply.
pub(crate) type Reply<T> = Box<dyn Fn(usize) -> Option<Result<T, Status>> + Send + Sync>;

/// One reply per RPC, a success by default.
pub(crate) struct Script {
    pub(crate) reserve: Reply<v1::ReserveResponse>,
    pub(crate) start: Reply<v1::StartResponse>,
    pub(crate) extend: Reply<v1::ExtendResponse>,
    pub(crate) settle: Reply<v1::SettleResponse>,
    pub(crate) list_entries: Reply<v1::ListEntriesResponse>,
    /// The delay before each reply.
    pub(crate) delay: Duration,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            reserve: always(|| Ok(reserved(false, ReservationState::Processing))),
            start: always(|| Ok(started(false))),
            extend: always(|| Ok(extended(Duration::from_secs(60)))),
            settle: always(|| {
                Ok(v1::SettleResponse { reservation: Some(job_of("gpu-1")), ..Default::default() })
            }),
            list_entries: always(|| Ok(v1::ListEntriesResponse::default())),
        }
    }
}

pub(crate) fn always<T>(answer: impl Fn() -> Result<T, Status> + Send + Sync + 'static) -> Reply<T> {
    Box::new(move |_| Some(answer()))
}

/// A job started by `worker` with a lease of one minute.
pub(crate) fn job_of(worker: &str) -> v1::Reservation {
    v1::Reservation {
        wallet_id: "alice".into(),
        reservation_id: "job-1".into(),
        state: ReservationState::Processing.into(),
        worker: worker.into(),
        attempt: 1,
        deadline: Some(at(60)),
        ..Default::default()
    }
}

pub(crate) fn reserved(replayed: bool, state: ReservationState) -> v1::ReserveResponse {
    let reservation = v1::Reservation { state: state.into(), ..job_of("gpu-1") };
    v1::ReserveResponse {
        reservation: Some(reservation),
        replayed,
        decide_time: Some(at(0)),
        ..Default::default()
    }
}

pub(crate) fn started(replayed: bool) -> v1::StartResponse {
    let reservation = Some(job_of("gpu-1"));
    v1::StartResponse { reservation, replayed, decide_time: Some(at(0)), ..Default::default() }
}

pub(crate) fn extended(left: Duration) -> v1::ExtendResponse {
    let remaining = Some(prost_types::Duration::try_from(left).unwrap());
    v1::ExtendResponse { state: ReservationState::Processing.into(), remaining, ..Default::default() }
}

pub(crate) fn ended(state: ReservationState) -> v1::ExtendResponse {
    v1::ExtendResponse { state: state.into(), ..Default::default() }
}

fn at(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: 1_800_000_000 + seconds, nanos: 0 }
}

/// A request that the service received.
#[derive(Debug)]
pub(crate) enum Received {
    Reserve(Box<Request<v1::ReserveRequest>>),
    Start(v1::StartRequest),
    Extend(v1::ExtendRequest),
    Settle(v1::SettleRequest),
    ListEntries(v1::ListEntriesRequest),
    /// A request with this number of items, which follow one by one.
    Many(usize),
}

/// The running service, and a client with short retry delays.
pub(crate) struct TestService {
    pub(crate) client: WalletClient,
    pub(crate) config: ClientConfig,
    pub(crate) received: mpsc::UnboundedReceiver<Received>,
    _server: AbortOnDropHandle<()>,
}

impl TestService {
    pub(crate) async fn start(script: Script) -> Self {
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let config = ClientConfig::new(format!("http://{}", incoming.local_addr().unwrap()))
            .retry(RetryPolicy::default().attempts(4).first_delay(Duration::from_millis(1)));
        let (sender, received) = mpsc::unbounded_channel();
        let service =
            WalletServiceServer::new(Scripted { script, received: sender, counts: Default::default() });
        let server = Server::builder().add_service(service).serve_with_incoming(incoming);
        let server = AbortOnDropHandle::new(tokio::spawn(async move { server.await.unwrap() }));
        let client = WalletClient::connect(config.clone()).await.unwrap();
        Self { client, config, received, _server: server }
    }

    /// Returns the next request.
    pub(crate) async fn next(&mut self) -> Received {
        soon(self.received.recv()).await.unwrap()
    }
}

/// Waits for an event that a correct client causes within 30 s.
pub(crate) async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), event).await.expect("the event does not come")
}

struct Scripted {
    script: Script,
    received: mpsc::UnboundedSender<Received>,
    counts: [AtomicUsize; 5],
}

impl Scripted {
    fn many(&self, items: usize) {
        let _ = self.received.send(Received::Many(items));
    }

    async fn play<T>(&self, rpc: usize, reply: &Reply<T>, request: Received) -> Result<Response<T>, Status> {
        let _ = self.received.send(request);
        let answer = reply(self.counts[rpc].fetch_add(1, Ordering::SeqCst));
        tokio::time::sleep(self.script.delay).await;
        match answer {
            Some(answer) => answer.map(Response::new),
            None => std::future::pending().await,
        }
    }
}

/// Returns the error of an item for the status of a call.
fn item_error(status: Status) -> v1::ItemError {
    let details = status.get_error_details();
    let reason = details.error_info().and_then(|info| v1::ErrorReason::from_short_name(&info.reason));
    let delay = details.retry_info().and_then(|info| info.retry_delay);
    v1::ItemError {
        code: status.code().into(),
        reason: reason.unwrap_or_default().into(),
        message: status.message().to_owned(),
        retry_delay: delay.map(|delay| prost_types::Duration::try_from(delay).unwrap()),
        ..v1::ItemError::default()
    }
}

type Answer<T> = Result<Response<T>, Status>;

fn unscripted<T>() -> Answer<T> {
    Err(Status::unimplemented("not in the script"))
}

#[async_trait]
impl WalletService for Scripted {
    async fn reserve(&self, request: Request<v1::ReserveRequest>) -> Answer<v1::ReserveResponse> {
        self.play(0, &self.script.reserve, Received::Reserve(Box::new(request))).await
    }
    async fn start(&self, request: Request<v1::StartRequest>) -> Answer<v1::StartResponse> {
        self.play(1, &self.script.start, Received::Start(request.into_inner())).await
    }
    async fn extend(&self, request: Request<v1::ExtendRequest>) -> Answer<v1::ExtendResponse> {
        self.play(2, &self.script.extend, Received::Extend(request.into_inner())).await
    }
    async fn settle(&self, request: Request<v1::SettleRequest>) -> Answer<v1::SettleResponse> {
        self.play(3, &self.script.settle, Received::Settle(request.into_inner())).await
    }
    /// Each item is played like a single call. An item without a reply withholds all.
    async fn reserve_many(
        &self,
        request: Request<v1::ReserveManyRequest>,
    ) -> Answer<v1::ReserveManyResponse> {
        self.many(request.get_ref().requests.len());
        let mut results = Vec::new();
        for item in request.into_inner().requests {
            let played = self.reserve(Request::new(item)).await;
            results.push(played.map(Response::into_inner).map_err(item_error).into());
        }
        Ok(Response::new(v1::ReserveManyResponse { results }))
    }
    async fn extend_many(&self, request: Request<v1::ExtendManyRequest>) -> Answer<v1::ExtendManyResponse> {
        self.many(request.get_ref().requests.len());
        let mut results = Vec::new();
        for item in request.into_inner().requests {
            let played = self.extend(Request::new(item)).await;
            results.push(played.map(Response::into_inner).map_err(item_error).into());
        }
        Ok(Response::new(v1::ExtendManyResponse { results }))
    }
    async fn settle_many(&self, request: Request<v1::SettleManyRequest>) -> Answer<v1::SettleManyResponse> {
        self.many(request.get_ref().requests.len());
        let mut results = Vec::new();
        for item in request.into_inner().requests {
            let played = self.settle(Request::new(item)).await;
            results.push(played.map(Response::into_inner).map_err(item_error).into());
        }
        Ok(Response::new(v1::SettleManyResponse { results }))
    }
    async fn estimate(&self, _: Request<v1::EstimateRequest>) -> Answer<v1::EstimateResponse> {
        unscripted()
    }
    async fn estimate_many(&self, _: Request<v1::EstimateManyRequest>) -> Answer<v1::EstimateManyResponse> {
        unscripted()
    }
    async fn cancel(&self, _: Request<v1::CancelRequest>) -> Answer<v1::CancelResponse> {
        unscripted()
    }
    async fn top_up(&self, _: Request<v1::TopUpRequest>) -> Answer<v1::TopUpResponse> {
        unscripted()
    }
    async fn get_balance(&self, _: Request<v1::GetBalanceRequest>) -> Answer<v1::GetBalanceResponse> {
        unscripted()
    }
    async fn get_entitlements(
        &self,
        _: Request<v1::GetEntitlementsRequest>,
    ) -> Answer<v1::GetEntitlementsResponse> {
        unscripted()
    }
    async fn get_reservation(
        &self,
        _: Request<v1::GetReservationRequest>,
    ) -> Answer<v1::GetReservationResponse> {
        unscripted()
    }
    async fn list_reservations(
        &self,
        _: Request<v1::ListReservationsRequest>,
    ) -> Answer<v1::ListReservationsResponse> {
        unscripted()
    }
    async fn list_grants(&self, _: Request<v1::ListGrantsRequest>) -> Answer<v1::ListGrantsResponse> {
        unscripted()
    }
    async fn summarize_usage(
        &self,
        _: Request<v1::SummarizeUsageRequest>,
    ) -> Answer<v1::SummarizeUsageResponse> {
        unscripted()
    }
    async fn list_entries(
        &self,
        request: Request<v1::ListEntriesRequest>,
    ) -> Answer<v1::ListEntriesResponse> {
        self.play(4, &self.script.list_entries, Received::ListEntries(request.into_inner())).await
    }
}
