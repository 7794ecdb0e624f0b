//! The RPCs of `AdminService`, which billing and support call.

use crate::client::rpc_methods;
use crate::v1::admin_service_client::AdminServiceClient;
use crate::{Error, WalletClient, v1};

rpc_methods! {
    AdminServiceClient {
        /// Creates a wallet. A repeated call with equal content returns the wallet.
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
        /// let request = v1::CreateWalletRequest::new("alice").with_display_name("Alice Example");
        /// let created = client.create_wallet(request).await?;
        /// println!("created before: {}", created.replayed);
        /// # Ok(())
        /// # }
        /// ```
        create_wallet(CreateWalletRequest) -> CreateWalletResponse;

        /// Returns one wallet with its balances and its subscription.
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
        /// let wallet = client.get_wallet(v1::GetWalletRequest::new("alice")).await?.wallet.unwrap_or_default();
        /// println!("{} on plan {}", wallet.status().as_str_name(), wallet.plan_id);
        /// # Ok(())
        /// # }
        /// ```
        get_wallet(GetWalletRequest) -> GetWalletResponse;

        /// Returns a page of the tenant's wallets, or of the frozen ones, by id, without balances. A page of frozen
        /// wallets may be empty and still be followed by another;
        /// [`list_wallets_stream`](Self::list_wallets_stream) reads all pages.
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
        /// let page = client.list_wallets(v1::ListWalletsRequest::default().with_page_size(100)).await?;
        /// println!("{} wallets, more: {}", page.wallets.len(), !page.next_page_token.is_empty());
        /// # Ok(())
        /// # }
        /// ```
        list_wallets(ListWalletsRequest) -> ListWalletsResponse;

        /// Suspends or reactivates a wallet, renames it, or sets its debt limits and its thresholds for a low
        /// balance.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `WALLET_CLOSED`; and the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let request = v1::UpdateWalletRequest::new("alice", "ticket-7")
        ///     .with_status(v1::WalletStatus::Suspended)
        ///     .with_reason("fraud review");
        /// client.update_wallet(request).await?;
        /// # Ok(())
        /// # }
        /// ```
        update_wallet(UpdateWalletRequest) -> UpdateWalletResponse;

        /// Issues credits that were not bought.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `WALLET_CLOSED`, or `LIMIT_EXCEEDED` if the wallet would have too many open
        /// grants; and the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let welcome = v1::GrantRequest::new("alice", "welcome", v1::Amount::new("credits", 50))
        ///     .with_source(v1::Source::Free);
        /// println!("issued {}", client.grant(welcome).await?.grant.unwrap_or_default().grant_id);
        /// # Ok(())
        /// # }
        /// ```
        grant(GrantRequest) -> GrantResponse;

        /// Revokes the unspent credits of a grant. Held credits are revoked when they return.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `GRANT_NOT_FOUND`; and the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let request = v1::RevokeGrantRequest::new("alice", "ticket-8", "grant:welcome").with_reason("abuse");
        /// println!("revoked {}", client.revoke_grant(request).await?.grant.unwrap_or_default().revoked);
        /// # Ok(())
        /// # }
        /// ```
        revoke_grant(RevokeGrantRequest) -> RevokeGrantResponse;

        /// Refunds a purchase by the rule of its pack: by default in full, if nothing of it was charged and the refund
        /// is requested within 24 hours of the payment. The payment provider moves the money.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `TOP_UP_NOT_FOUND`, or `NOT_REFUNDABLE` with a cause; and the [errors of every
        /// call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let request = v1::RefundTopUpRequest::top_up("alice", "refund-1", "order-1");
        /// println!("pay back {:?}", client.refund_top_up(request).await?.refund);
        /// # Ok(())
        /// # }
        /// ```
        refund_top_up(RefundTopUpRequest) -> RefundTopUpResponse;

        /// Records that the bank returned the payment of a purchase or of a period of a subscription. Unspent credits are
        /// revoked, spent ones become debt, windows to come of the period give nothing, and an active wallet is suspended.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `TOP_UP_NOT_FOUND`, or `NOT_REFUNDABLE` if the payment was charged back before or
        /// refunded before its period began, or the period is not paid; and the [errors of every
        /// call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let payment = v1::ExternalRef::new("stripe", "pi_3Nx");
        /// let recorded = client.record_chargeback(v1::RecordChargebackRequest::payment("alice", "dispute-1", payment)).await?;
        /// println!("owed {:?}", recorded.owed);
        /// # Ok(())
        /// # }
        /// ```
        record_chargeback(RecordChargebackRequest) -> RecordChargebackResponse;

        /// Records that the payment provider has paid back a purchase or a period of a subscription, in full or in
        /// part. The credits of the refunded share are clawed back; used ones are forgiven or become debt. The total is
        /// cumulative, and a smaller one gives credits back.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `TOP_UP_NOT_FOUND`, `WALLET_CLOSED`, or `NOT_REFUNDABLE` if the payment was charged
        /// back, RefundTopUp or RefundSubscription refunded it, another total of it went back before its period began,
        /// the period is not paid, or the price is unknown; and the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let payment = v1::ExternalRef::new("stripe", "pi_3Nx");
        /// let total = v1::Money::new("EUR", 250);
        /// let request = v1::RecordRefundRequest::payment("alice", "evt_1", payment, total);
        /// println!("clawed back {:?}", client.record_refund(request).await?.taken);
        /// # Ok(())
        /// # }
        /// ```
        record_refund(RecordRefundRequest) -> RecordRefundResponse;

        /// Withdraws a chargeback whose dispute was won: its credits and its debt are as they were, windows to come of a
        /// period give credits again, and the suspension ends if nothing else holds it.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `TOP_UP_NOT_FOUND`, `NOT_CHARGED_BACK`, or `WALLET_CLOSED`; and the [errors of every
        /// call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// client.reverse_chargeback(v1::ReverseChargebackRequest::top_up("alice", "won-1", "order-1")).await?;
        /// # Ok(())
        /// # }
        /// ```
        reverse_chargeback(ReverseChargebackRequest) -> ReverseChargebackResponse;

        /// Closes a wallet for good: its credits are revoked and its subscription ends.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `OPEN_RESERVATIONS` while jobs run, `IN_DEBT` while credits are owed, or
        /// `WALLET_CLOSED`; and the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// client.close_wallet(v1::CloseWalletRequest::new("alice", "goodbye").with_reason("left")).await?;
        /// # Ok(())
        /// # }
        /// ```
        close_wallet(CloseWalletRequest) -> CloseWalletResponse;

        /// Gives back the charge of a job, or a part of it, as goodwill.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `RESERVATION_NOT_FOUND`, `REVERSAL_EXCEEDS_CHARGE`, `UNIT_MISMATCH` if the job
        /// was not charged in the unit, or `WALLET_CLOSED`; and the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let request = v1::ReverseChargeRequest::new("alice", "ticket-9", "job-1").with_reason("blurred output");
        /// println!("{:?}", client.reverse_charge(request).await?.balances);
        /// # Ok(())
        /// # }
        /// ```
        reverse_charge(ReverseChargeRequest) -> ReverseChargeResponse;

        /// Ends a subscription now and returns the money to pay back, by the rule of its plan: by default the unused
        /// share of a year's price. With `validate_only` it only computes the money.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `SUBSCRIPTION_NOT_FOUND`, `SUBSCRIPTION_PAUSED`, or `NOT_REFUNDABLE` with a cause;
        /// and the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let preview = v1::RefundSubscriptionRequest::new("alice", "ticket-10").with_validate_only(true);
        /// println!("would pay back {:?}", client.refund_subscription(preview).await?.refund);
        /// # Ok(())
        /// # }
        /// ```
        refund_subscription(RefundSubscriptionRequest) -> RefundSubscriptionResponse;

        /// Subscribes a wallet to a plan. The first period counts as paid.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `PLAN_NOT_FOUND`, `PLAN_USED`, `ALREADY_SUBSCRIBED`, or `WALLET_CLOSED`; and the
        /// [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let subscribed = client.subscribe(v1::SubscribeRequest::new("alice", "order-2", "creator")).await?;
        /// println!("{:?}", subscribed.wallet.and_then(|wallet| wallet.subscription));
        /// # Ok(())
        /// # }
        /// ```
        subscribe(SubscribeRequest) -> SubscribeResponse;

        /// Changes the plan of a subscription: at once for an upgrade, at the end of what was paid otherwise. With
        /// `validate_only` it shows the credits that are issued, kept and lost, and when.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `SUBSCRIPTION_NOT_FOUND`, `PLAN_NOT_FOUND`, `PLAN_USED`, or `PLAN_CHANGE_PAID`; and
        /// the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let preview = v1::ChangePlanRequest::new("alice", "order-3", "studio").with_validate_only(true);
        /// println!("would issue {:?}", client.change_plan(preview).await?.grants);
        /// # Ok(())
        /// # }
        /// ```
        change_plan(ChangePlanRequest) -> ChangePlanResponse;

        /// Ends a subscription at the end of what was paid, or at once.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `SUBSCRIPTION_NOT_FOUND`; and the [errors of every
        /// call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let request = v1::CancelSubscriptionRequest::new("alice", "ticket-11").with_when(v1::CancelTime::Now);
        /// client.cancel_subscription(request).await?;
        /// # Ok(())
        /// # }
        /// ```
        cancel_subscription(CancelSubscriptionRequest) -> CancelSubscriptionResponse;

        /// Pauses a subscription at the end of what was paid, or at once if that has passed.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `SUBSCRIPTION_NOT_FOUND` or `SUBSCRIPTION_ENDS`; and the [errors of every
        /// call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// client.pause_subscription(v1::PauseSubscriptionRequest::new("alice", "ticket-12")).await?;
        /// # Ok(())
        /// # }
        /// ```
        pause_subscription(PauseSubscriptionRequest) -> PauseSubscriptionResponse;

        /// Undoes the cancellation or the pause of a subscription, or ends a pause that has begun.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `SUBSCRIPTION_NOT_FOUND`; and the [errors of every
        /// call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// client.resume_subscription(v1::ResumeSubscriptionRequest::new("alice", "ticket-13")).await?;
        /// # Ok(())
        /// # }
        /// ```
        resume_subscription(ResumeSubscriptionRequest) -> ResumeSubscriptionResponse;

        /// Records that a period is paid: the unpaid one that has begun, which begins at once, or a later one.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `SUBSCRIPTION_NOT_FOUND`, `SUBSCRIPTION_PAUSED`, `PERIOD_PAID`, or
        /// `SUBSCRIPTION_ENDS`; and the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// client.record_payment(v1::RecordPaymentRequest::new("alice", "pi_4Qa")).await?;
        /// # Ok(())
        /// # }
        /// ```
        record_payment(RecordPaymentRequest) -> RecordPaymentResponse;

        /// Sets the pack that is bought when a balance is low, or turns auto top-up off.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `PACK_NOT_FOUND`, `PACK_NOT_AVAILABLE` or `WALLET_CLOSED`; and the [errors of every
        /// call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let setting = v1::AutoTopUpSetting::new("credits", 20, "starter").with_max_per_day(2);
        /// client.set_auto_top_up(v1::SetAutoTopUpRequest::on("alice", "settings-7", setting)).await?;
        /// # Ok(())
        /// # }
        /// ```
        set_auto_top_up(SetAutoTopUpRequest) -> SetAutoTopUpResponse;

        /// Records that the payment of a purchase of the auto top-up was declined. A payment that succeeds is a
        /// [`top_up`](Self::top_up) with the `top_up_id` of the notification.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `AUTO_TOP_UP_NOT_UNDER_WAY`; and the [errors of every
        /// call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient, due: v1::AutoTopUpPurchase) -> Result<(), Error> {
        /// let failure = v1::RecordAutoTopUpFailureRequest::new("alice", "pi_4Qb", due.top_up_id);
        /// client.record_auto_top_up_failure(failure.with_reason("card_declined")).await?;
        /// # Ok(())
        /// # }
        /// ```
        record_auto_top_up_failure(RecordAutoTopUpFailureRequest) -> RecordAutoTopUpFailureResponse;
    }
}
