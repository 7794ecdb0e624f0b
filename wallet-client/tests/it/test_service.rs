//! A wallet that answers by script and tells the test what it was asked. Owns no rule of the wallet's.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, async_trait};
use wallet_client::v1::wallet_service_server::{WalletService, WalletServiceServer};
use wallet_client::v1::{self, ReservationState};
use wallet_client::{ClientConfig, RetryPolicy, WalletClient};

/// What to answer to the n-th call, counted from 0. `None`: stay silent.
pub(crate) type Reply<T> = Box<dyn Fn(usize) -> Option<Result<T, Status>> + Send + Sync>;

/// The script: one reply per RPC, friendly by default.
pub(crate) struct Script {
    pub(crate) reserve: Reply<v1::ReserveResponse>,
    pub(crate) start: Reply<v1::StartResponse>,
    pub(crate) extend: Reply<v1::ExtendResponse>,
    pub(crate) settle: Reply<v1::SettleResponse>,
    /// How long each answer is on its way.
    pub(crate) late: Duration,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            late: Duration::ZERO,
            reserve: always(|| Ok(reserved(false, ReservationState::Processing))),
            start: always(|| Ok(started(false))),
            extend: always(|| Ok(goes_on(Duration::from_secs(60)))),
            settle: always(|| {
                Ok(v1::SettleResponse { reservation: Some(job_of("gpu-1")), ..Default::default() })
            }),
        }
    }
}

pub(crate) fn always<T>(answer: impl Fn() -> Result<T, Status> + Send + Sync + 'static) -> Reply<T> {
    Box::new(move |_| Some(answer()))
}

/// A job started by `worker` whose lease runs out a minute after it was decided.
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

pub(crate) fn goes_on(left: Duration) -> v1::ExtendResponse {
    let remaining = Some(prost_types::Duration::try_from(left).unwrap());
    v1::ExtendResponse { state: ReservationState::Processing.into(), remaining, ..Default::default() }
}

pub(crate) fn ended(state: ReservationState) -> v1::ExtendResponse {
    v1::ExtendResponse { state: state.into(), ..Default::default() }
}

fn at(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: 1_800_000_000 + seconds, nanos: 0 }
}

/// What the server was asked.
#[derive(Debug)]
pub(crate) enum Asked {
    Reserve(Box<Request<v1::ReserveRequest>>),
    Start(v1::StartRequest),
    Extend(v1::ExtendRequest),
    Settle(v1::SettleRequest),
}

/// The server at work, and a client of it that is quick to try again.
pub(crate) struct Wallet {
    pub(crate) client: WalletClient,
    pub(crate) config: ClientConfig,
    pub(crate) asked: mpsc::UnboundedReceiver<Asked>,
    _server: AbortOnDropHandle<()>,
}

impl Wallet {
    pub(crate) async fn playing(script: Script) -> Self {
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let mut config = ClientConfig::new(format!("http://{}", incoming.local_addr().unwrap()));
        config.retry = RetryPolicy::default();
        config.retry.attempts = 4;
        config.retry.first_delay = Duration::from_millis(1);
        let (tell, asked) = mpsc::unbounded_channel();
        let service = WalletServiceServer::new(Scripted { script, tell, counts: Default::default() });
        let server = Server::builder().add_service(service).serve_with_incoming(incoming);
        let server = AbortOnDropHandle::new(tokio::spawn(async move { server.await.unwrap() }));
        let client = WalletClient::connect(config.clone()).await.unwrap();
        Self { client, config, asked, _server: server }
    }

    pub(crate) async fn next(&mut self) -> Asked {
        soon(self.asked.recv()).await.unwrap()
    }
}

/// Waits for something that happens at once, or never because of a fault.
pub(crate) async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), event).await.expect("this should have happened")
}

struct Scripted {
    script: Script,
    tell: mpsc::UnboundedSender<Asked>,
    counts: [AtomicUsize; 4],
}

impl Scripted {
    async fn play<T>(&self, rpc: usize, reply: &Reply<T>, asked: Asked) -> Result<Response<T>, Status> {
        let _ = self.tell.send(asked);
        let answer = reply(self.counts[rpc].fetch_add(1, Ordering::SeqCst));
        tokio::time::sleep(self.script.late).await;
        match answer {
            Some(answer) => answer.map(Response::new),
            None => std::future::pending().await,
        }
    }
}

type Answer<T> = Result<Response<T>, Status>;

fn not_in_the_script<T>() -> Answer<T> {
    Err(Status::unimplemented("not in the script"))
}

#[async_trait]
impl WalletService for Scripted {
    async fn reserve(&self, request: Request<v1::ReserveRequest>) -> Answer<v1::ReserveResponse> {
        self.play(0, &self.script.reserve, Asked::Reserve(Box::new(request))).await
    }
    async fn start(&self, request: Request<v1::StartRequest>) -> Answer<v1::StartResponse> {
        self.play(1, &self.script.start, Asked::Start(request.into_inner())).await
    }
    async fn extend(&self, request: Request<v1::ExtendRequest>) -> Answer<v1::ExtendResponse> {
        self.play(2, &self.script.extend, Asked::Extend(request.into_inner())).await
    }
    async fn settle(&self, request: Request<v1::SettleRequest>) -> Answer<v1::SettleResponse> {
        self.play(3, &self.script.settle, Asked::Settle(request.into_inner())).await
    }
    async fn estimate(&self, _: Request<v1::EstimateRequest>) -> Answer<v1::EstimateResponse> {
        not_in_the_script()
    }
    async fn estimate_many(&self, _: Request<v1::EstimateManyRequest>) -> Answer<v1::EstimateManyResponse> {
        not_in_the_script()
    }
    async fn cancel(&self, _: Request<v1::CancelRequest>) -> Answer<v1::CancelResponse> {
        not_in_the_script()
    }
    async fn top_up(&self, _: Request<v1::TopUpRequest>) -> Answer<v1::TopUpResponse> {
        not_in_the_script()
    }
    async fn get_balance(&self, _: Request<v1::GetBalanceRequest>) -> Answer<v1::GetBalanceResponse> {
        not_in_the_script()
    }
    async fn get_entitlements(
        &self,
        _: Request<v1::GetEntitlementsRequest>,
    ) -> Answer<v1::GetEntitlementsResponse> {
        not_in_the_script()
    }
    async fn get_reservation(
        &self,
        _: Request<v1::GetReservationRequest>,
    ) -> Answer<v1::GetReservationResponse> {
        not_in_the_script()
    }
    async fn list_reservations(
        &self,
        _: Request<v1::ListReservationsRequest>,
    ) -> Answer<v1::ListReservationsResponse> {
        not_in_the_script()
    }
    async fn list_grants(&self, _: Request<v1::ListGrantsRequest>) -> Answer<v1::ListGrantsResponse> {
        not_in_the_script()
    }
    async fn summarize_usage(
        &self,
        _: Request<v1::SummarizeUsageRequest>,
    ) -> Answer<v1::SummarizeUsageResponse> {
        not_in_the_script()
    }
    async fn list_entries(&self, _: Request<v1::ListEntriesRequest>) -> Answer<v1::ListEntriesResponse> {
        not_in_the_script()
    }
}
