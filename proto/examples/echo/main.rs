//! The yardstick of the benchmarks: a bare tonic server with the service traits of the wallet. It answers the commands of
//! `wallet-load` at once, with messages of the size of the real server's, and decides and stores nothing.
//!
//! `cargo run --release -p wallet-proto --example echo [HOST:PORT]`
#![allow(clippy::print_stdout, reason = "the benchmarks read the address")]

mod replies;

use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use wallet_proto::v1;
use wallet_proto::v1::admin_service_server::{AdminService, AdminServiceServer};
use wallet_proto::v1::wallet_service_server::{WalletService, WalletServiceServer};

use self::replies::Replies;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let incoming = TcpIncoming::bind(address.parse()?)?.with_nodelay(Some(true));
    println!("echo is serving on {}, without a database", incoming.local_addr()?);
    let echo = Replies::new();
    Server::builder()
        .add_service(WalletServiceServer::new(echo.clone()))
        .add_service(AdminServiceServer::new(echo))
        .serve_with_incoming(incoming)
        .await?;
    Ok(())
}

/// Implements a service: each method answers with the method of [`Replies`] that is named, or `missing`.
macro_rules! service {
    ($service:ident { $($method:ident($request:ident) -> $response:ident = $reply:path;)* }) => {
        #[tonic::async_trait]
        impl $service for Replies {
            $(
                async fn $method(
                    &self,
                    request: Request<v1::$request>,
                ) -> Result<Response<v1::$response>, Status> {
                    $reply(self, request.into_inner()).map(Response::new)
                }
            )*
        }
    };
}

fn missing<Q, A>(_: &Replies, _: Q) -> Result<A, Status> {
    Err(Status::unimplemented("wallet-load does not call it"))
}

service!(WalletService {
    estimate(EstimateRequest) -> EstimateResponse = Replies::estimate;
    estimate_many(EstimateManyRequest) -> EstimateManyResponse = missing;
    reserve(ReserveRequest) -> ReserveResponse = Replies::reserve;
    start(StartRequest) -> StartResponse = Replies::start;
    extend(ExtendRequest) -> ExtendResponse = Replies::extend;
    settle(SettleRequest) -> SettleResponse = Replies::settle;
    reserve_many(ReserveManyRequest) -> ReserveManyResponse = Replies::reserve_many;
    extend_many(ExtendManyRequest) -> ExtendManyResponse = Replies::extend_many;
    settle_many(SettleManyRequest) -> SettleManyResponse = Replies::settle_many;
    cancel(CancelRequest) -> CancelResponse = Replies::cancel;
    top_up(TopUpRequest) -> TopUpResponse = Replies::top_up;
    get_balance(GetBalanceRequest) -> GetBalanceResponse = Replies::get_balance;
    get_entitlements(GetEntitlementsRequest) -> GetEntitlementsResponse = missing;
    get_reservation(GetReservationRequest) -> GetReservationResponse = missing;
    list_reservations(ListReservationsRequest) -> ListReservationsResponse = missing;
    list_grants(ListGrantsRequest) -> ListGrantsResponse = missing;
    list_entries(ListEntriesRequest) -> ListEntriesResponse = missing;
    summarize_usage(SummarizeUsageRequest) -> SummarizeUsageResponse = missing;
});

service!(AdminService {
    create_wallet(CreateWalletRequest) -> CreateWalletResponse = Replies::create_wallet;
    get_wallet(GetWalletRequest) -> GetWalletResponse = missing;
    list_wallets(ListWalletsRequest) -> ListWalletsResponse = missing;
    update_wallet(UpdateWalletRequest) -> UpdateWalletResponse = missing;
    grant(GrantRequest) -> GrantResponse = missing;
    revoke_grant(RevokeGrantRequest) -> RevokeGrantResponse = missing;
    refund_top_up(RefundTopUpRequest) -> RefundTopUpResponse = missing;
    record_chargeback(RecordChargebackRequest) -> RecordChargebackResponse = missing;
    record_refund(RecordRefundRequest) -> RecordRefundResponse = missing;
    reverse_chargeback(ReverseChargebackRequest) -> ReverseChargebackResponse = missing;
    close_wallet(CloseWalletRequest) -> CloseWalletResponse = missing;
    reverse_charge(ReverseChargeRequest) -> ReverseChargeResponse = missing;
    refund_subscription(RefundSubscriptionRequest) -> RefundSubscriptionResponse = missing;
    subscribe(SubscribeRequest) -> SubscribeResponse = missing;
    change_plan(ChangePlanRequest) -> ChangePlanResponse = missing;
    cancel_subscription(CancelSubscriptionRequest) -> CancelSubscriptionResponse = missing;
    pause_subscription(PauseSubscriptionRequest) -> PauseSubscriptionResponse = missing;
    resume_subscription(ResumeSubscriptionRequest) -> ResumeSubscriptionResponse = missing;
    record_payment(RecordPaymentRequest) -> RecordPaymentResponse = missing;
    set_auto_top_up(SetAutoTopUpRequest) -> SetAutoTopUpResponse = missing;
    record_auto_top_up_failure(RecordAutoTopUpFailureRequest) -> RecordAutoTopUpFailureResponse = missing;
});
