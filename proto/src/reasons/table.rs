//! The rows of the contract, in the order of `ErrorReason`.

use tonic::Code::{
    self, Aborted, AlreadyExists, DeadlineExceeded, FailedPrecondition, InvalidArgument, NotFound,
    OutOfRange, PermissionDenied, ResourceExhausted, Unauthenticated, Unavailable,
};

use super::{Effect, ReasonSpec};
use crate::v1::ErrorReason::{self as R};

/// A reason with which the server decides against a call.
const fn refused(reason: R, codes: &'static [Code], description: &'static str) -> ReasonSpec {
    let effect = Effect::Refused;
    ReasonSpec { reason, codes, metadata: &[], detail: None, effect, retry_info: false, description }
}

/// A reason with which the server does not execute a call.
const fn not_executed(reason: R, codes: &'static [Code], description: &'static str) -> ReasonSpec {
    ReasonSpec { effect: Effect::NotExecuted, ..refused(reason, codes, description) }
}

impl ReasonSpec {
    const fn keys(self, metadata: &'static [&'static str]) -> Self {
        Self { metadata, ..self }
    }

    const fn detail(self, field: &'static str) -> Self {
        Self { detail: Some(field), ..self }
    }

    const fn retry_info(self) -> Self {
        Self { retry_info: true, ..self }
    }
}

/// The contract of every reason.
pub const REASONS: &[ReasonSpec] = &[
    refused(
        R::InvalidField,
        &[InvalidArgument],
        "At least one field of the request is invalid. BadRequest lists every invalid field with its path, its fault and \
         the allowed values. Correct all of them and send the request again; an id of a refused request may be used again.",
    )
    .keys(&["kind", "quantity", "quantities", "rule_id"]),
    refused(
        R::NoPriceRule,
        &[InvalidArgument],
        "No price rule of the catalog matches the operation. The metadata has the names of the attributes that are the \
         cause. Correct the operation (GetPriceTable shows the rules), or publish a catalog with a rule for it.",
    )
    .keys(&["kind", "attributes", "missing", "unknown", "rule_id"])
    .detail("no_price_rule"),
    refused(
        R::UnitMismatch,
        &[InvalidArgument],
        "An amount of the request is in a unit that the reservation does not have. Use the units of the reservation's \
         `amounts`.",
    )
    .keys(&["unit"]),
    refused(
        R::QuoteInvalid,
        &[InvalidArgument],
        "The quote token is not from this service, or is for another wallet. Call Estimate for this wallet and use its \
         token unchanged.",
    ),
    refused(
        R::MalformedMessage,
        &[InvalidArgument],
        "The bytes of the request are not a message of the method's type. The status message has the cause. Generate the \
         client from the protocol files of this version.",
    ),
    refused(
        R::MessageTooLarge,
        &[InvalidArgument],
        "The request has more bytes than the method accepts: by default 64 KiB, for methods named ...Many 4 MiB and for \
         CatalogService 512 KiB, before and after decompression. Send less in one request.",
    )
    .keys(&["bytes", "limit"])
    .detail("message_too_large"),
    refused(
        R::InsufficientCredits,
        &[FailedPrecondition],
        "The wallet has too few available credits. Offer one of the packs or plans that would cover the shortfall, or \
         wait for the next renewal, and call again.",
    )
    .keys(&[
        "unit",
        "required",
        "available",
        "shortfall",
        "required.<unit>",
        "available.<unit>",
        "shortfall.<unit>",
        "packs",
        "plans",
        "next_renewal_time",
    ])
    .detail("insufficient_credits"),
    refused(
        R::NotEntitled,
        &[FailedPrecondition],
        "The wallet's plan does not include the operation. Offer one of the plans that include it.",
    )
    .keys(&["kind", "plan", "plans"])
    .detail("not_entitled"),
    refused(
        R::LimitExceeded,
        &[FailedPrecondition],
        "A number is above a limit: a quantity above the cap of the plan's entitlements, a summary above the bounds of \
         SummarizeUsage, more than 1,000 open grants in a wallet, or more than 65,536 grants of one job. Request less, \
         or offer one of the plans that allow it.",
    )
    .keys(&["limit", "maximum", "requested", "plans"])
    .detail("limit_exceeded"),
    refused(
        R::WalletSuspended,
        &[FailedPrecondition],
        "The wallet is suspended, by UpdateWallet or after a chargeback. UpdateWallet reactivates it.",
    ),
    refused(R::WalletClosed, &[FailedPrecondition], "The wallet is closed. Use another wallet."),
    refused(
        R::WalletFrozen,
        &[FailedPrecondition],
        "An invariant of the wallet failed, or one of its rows is unreadable. The wallet accepts no command until an \
         operator has examined it with `wallet-server verify` and released it with `wallet-server unfreeze`.",
    ),
    refused(
        R::InDebt,
        &[FailedPrecondition],
        "The wallet owes credits. New credits repay the debt first: top up at least the debt, then call again.",
    )
    .keys(&["unit", "debt"])
    .detail("in_debt"),
    refused(
        R::ReservationSettled,
        &[FailedPrecondition],
        "The job has ended: it delivered and was charged. Do not run it again; a new job takes a new `reservation_id`.",
    )
    .keys(&["state"])
    .detail("reservation_ended"),
    refused(
        R::ReservationFailed,
        &[FailedPrecondition],
        "The job has ended: it failed, and its credits were returned, less a failure fee if its price rule has one. \
         Do not deliver its output; another try takes a new `reservation_id`.",
    )
    .keys(&["state"])
    .detail("reservation_ended"),
    refused(
        R::ReservationCancelled,
        &[FailedPrecondition],
        "The job has ended: it was cancelled. Stop it and do not deliver its output.",
    )
    .keys(&["state"])
    .detail("reservation_ended"),
    refused(
        R::ReservationExpired,
        &[FailedPrecondition],
        "The job has ended: its deadline passed and its credits were returned. Stop it. If it has output already, Settle \
         with `accept_late` within 72 hours may still charge it; deliver only after that call has answered OK.",
    )
    .keys(&["state"])
    .detail("reservation_ended"),
    refused(
        R::NotRefundable,
        &[FailedPrecondition],
        "The purchase or the subscription cannot be refunded, by the rule of its pack or plan. The `cause` is \
         NOT_OFFERED, TOO_LATE, CREDITS_USED, HOLDS_OUTSTANDING, CHARGED_BACK or ALREADY_REFUNDED, for a purchase also \
         REVOKED, and for a subscription also UNPAID or NO_PRICE. RecordRefund is refused only as CHARGED_BACK, \
         ALREADY_REFUNDED (by RefundTopUp or RefundSubscription, or before the period began with another total), \
         NO_PRICE or UNPAID, RecordChargeback only as CHARGED_BACK, ALREADY_REFUNDED (before the period began) or UNPAID. \
         After HOLDS_OUTSTANDING repeat the call with the same `requested_time` when the jobs have ended. \
         UNPAID ends with a payment, CHARGED_BACK with a won dispute, and ALREADY_REFUNDED if a recorded refund fails \
         (RecordRefund with a total of 0); the other causes are final.",
    )
    .keys(&["cause"])
    .detail("not_refundable"),
    refused(
        R::FeeAboveLimit,
        &[FailedPrecondition],
        "Cancelling costs more than the `max_fees` of the request. Show the fee to the user, and call again with a higher \
         limit if they accept it.",
    )
    .keys(&["fee", "unit", "max_fee"])
    .detail("fee_above_limit"),
    refused(
        R::AlreadySubscribed,
        &[FailedPrecondition],
        "The wallet is subscribed to a plan. Call ChangePlan to change it.",
    )
    .keys(&["plan_id"])
    .detail("already_subscribed"),
    refused(
        R::PackNotAvailable,
        &[FailedPrecondition],
        "The pack is not for sale on the wallet's plan. Offer another pack, or one of the plans that it is sold to.",
    )
    .keys(&["pack_id", "plans"])
    .detail("pack_not_available"),
    refused(
        R::ReversalExceedsCharge,
        &[FailedPrecondition],
        "More is to be reversed than is left of the job's charge. Metadata and detail are absent if nothing was charged or \
         everything is reversed already. Reverse at most the difference of `charged` and `reversed`.",
    )
    .keys(&["unit", "requested", "charged", "reversed"])
    .detail("reversal_exceeds_charge"),
    refused(
        R::CatalogInvalid,
        &[FailedPrecondition],
        "The document is not a valid catalog. BadRequest lists the problems with their places in the document. Correct \
         them; `wallet-server catalog check` finds the same ones without a server.",
    ),
    refused(
        R::CatalogUnusable,
        &[FailedPrecondition],
        "The stored text of a catalog that the command needs differs from the published text, or is unreadable. The \
         operator has to restore the text. Commands that need no price from it still work, for example a Settle with \
         amounts.",
    )
    .keys(&["catalog_version", "digest"])
    .detail("catalog_unusable"),
    refused(
        R::PeriodPaid,
        &[FailedPrecondition],
        "The period is paid already. The metadata names the next unpaid one. If a payment was reported twice, ignore the refusal; \
         otherwise name the period that was paid.",
    )
    .keys(&["period_start_time", "next_start_time"])
    .detail("period_paid"),
    refused(
        R::SubscriptionEnds,
        &[FailedPrecondition],
        "The subscription ends, or another term begins, before the period that was to be paid. Pay the customer back, or \
         continue the subscription with ResumeSubscription or ChangePlan and record the payment again.",
    )
    .keys(&["end_time"])
    .detail("subscription_ends"),
    refused(
        R::QuoteExpired,
        &[Aborted],
        "The quote is older than ten minutes. Call Estimate again, and show the new price to the user if it differs.",
    )
    .keys(&["expire_time"])
    .detail("quote_expired"),
    refused(
        R::PriceAboveLimit,
        &[Aborted],
        "The price is above the `limits` of the request, for example because the catalog has changed. Show the price to \
         the user, and call again with a higher limit if they accept it.",
    )
    .keys(&["price", "unit", "limit"])
    .detail("price_above_limit"),
    refused(
        R::StaleAttempt,
        &[Aborted],
        "Another attempt or worker runs the job. Stop the job here and do not deliver its output. A queue that delivers \
         the job again calls Start with a higher attempt.",
    )
    .keys(&["attempt", "worker"])
    .detail("stale_attempt"),
    refused(
        R::CatalogSuperseded,
        &[Aborted],
        "The current catalog is not the one that PublishCatalog expects, or the document was published before. Read the \
         current catalog, and publish with its version as `expected_version` if the document is to replace it.",
    )
    .keys(&["current_version", "expected_version", "published_version"])
    .detail("catalog_superseded"),
    refused(
        R::PlanUsed,
        &[FailedPrecondition],
        "The plan is a trial, and the wallet has had it. Offer another plan.",
    )
    .keys(&["plan_id"])
    .detail("plan_used"),
    refused(
        R::NotChargedBack,
        &[FailedPrecondition],
        "The payment of the purchase or the period is not charged back, or the chargeback was withdrawn before. Nothing is left to do.",
    ),
    refused(
        R::OpenReservations,
        &[FailedPrecondition],
        "Jobs of the wallet have not ended. Settle or cancel the `open` reservations, then close the wallet.",
    )
    .keys(&["open"])
    .detail("open_reservations"),
    refused(
        R::SubscriptionPaused,
        &[FailedPrecondition],
        "No period is on that could be paid or refunded. ResumeSubscription begins one; its payment can then be recorded.",
    ),
    refused(
        R::IdempotencyMismatch,
        &[AlreadyExists],
        "The id was used before with other content. The metadata has the names of the fields that differ. Repeat the \
         first request unchanged to learn its outcome, or use a new id for a new request.",
    )
    .keys(&["fields", "state"])
    .detail("idempotency_mismatch"),
    refused(
        R::AutoTopUpNotUnderWay,
        &[FailedPrecondition],
        "No purchase of the auto top-up with this `top_up_id` is under way: it was bought, or was never due. `under_way` has \
         the id of the one that is. A payment that failed after its TopUp is a refund or a chargeback.",
    )
    .keys(&["under_way"]),
    refused(
        R::PlanChangePaid,
        &[FailedPrecondition],
        "The change of plan to come stays, because a period of its plan is paid. If the customer changes their mind, refund that payment, \
         call RecordRefund with its `payment_ref` or `period_start_time`, and then ChangePlan again.",
    )
    .keys(&["plan_id", "period_start_time", "payment_ref"])
    .detail("plan_change_paid"),
    refused(
        R::WalletNotFound,
        &[NotFound],
        "The tenant has no wallet with this id; wallets of other tenants are answered alike. Check the `wallet_id`, or \
         call CreateWallet.",
    ),
    refused(
        R::ReservationNotFound,
        &[NotFound],
        "The wallet has no reservation with this id. Check the `reservation_id`. If Reserve may still be on its way, \
         Cancel with `allow_missing` prevents it.",
    ),
    refused(
        R::GrantNotFound,
        &[NotFound],
        "The wallet has no grant with this id. ListGrants shows the ids, including closed grants if they are requested.",
    ),
    refused(
        R::TopUpNotFound,
        &[NotFound],
        "The wallet has no purchase with this `top_up_id` or payment. If the payment had credited the wallet under \
         another id before, TopUp answered with that id: use that id, or the payment.",
    ),
    refused(
        R::PackNotFound,
        &[NotFound],
        "The catalog, the current one or the version of the request, does not have the pack. ListPacks shows the packs of \
         the current one.",
    )
    .keys(&["pack_id"]),
    refused(
        R::PlanNotFound,
        &[NotFound],
        "The current catalog does not have the plan. ListPlans shows the plans.",
    )
    .keys(&["plan_id"]),
    refused(
        R::SubscriptionNotFound,
        &[NotFound],
        "The wallet has no subscription, or it has ended. Subscribe begins one.",
    ),
    refused(
        R::CatalogNotFound,
        &[NotFound],
        "There is no catalog with this version. Version 0 is the current one.",
    )
    .keys(&["catalog_version"]),
    refused(
        R::ConcurrencyLimit,
        &[ResourceExhausted],
        "The wallet has as many open reservations as its plan allows. Call again when one of them has ended.",
    )
    .keys(&["open", "limit"])
    .detail("concurrency_limit"),
    not_executed(
        R::RateLimited,
        &[ResourceExhausted],
        "The API key is used for more calls per second than its own rate (`limit` is \"key\") or that of the server \
         (\"server\") allows, or all keys of the tenant together, or all its wallet tokens, for more than the server allows a \
         tenant (\"tenant\"). Wait for the delay of RetryInfo and repeat the call; calls with many items count once.",
    )
    .keys(&["limit", "calls_per_second"])
    .detail("rate_limited")
    .retry_info(),
    not_executed(
        R::Overloaded,
        &[Unavailable],
        "The server is busy and did not execute the call. Wait for the delay of RetryInfo and repeat the call with the \
         same ids.",
    )
    .retry_info(),
    ReasonSpec {
        effect: Effect::Unknown,
        ..refused(
            R::OutcomeUnknown,
            &[Unavailable, DeadlineExceeded],
            "The connection to the database broke during the commit, or the deadline passed before an answer \
             (DEADLINE_EXCEEDED). The call may have been executed. Repeat it with the same ids to learn its outcome.",
        )
    },
    not_executed(
        R::ReplicaBehind,
        &[Unavailable],
        "The replica lags behind. Repeat the call. Reserved: servers of this version do not return it.",
    ),
    not_executed(
        R::StoreUnavailable,
        &[Unavailable],
        "The database, or the row of one wallet, did not respond in time. The call was not executed. Repeat it with the \
         same ids after a growing delay.",
    ),
    not_executed(
        R::ClockInDoubt,
        &[Unavailable],
        "The system clock of the server jumped by more than 2 seconds, and its readings do not agree yet. The call was \
         not executed. Wait for the delay of RetryInfo and repeat it with the same ids. A jump of more than an hour needs \
         an operator.",
    )
    .retry_info(),
    not_executed(
        R::DeadlinePassed,
        &[DeadlineExceeded],
        "The deadline of the call passed before execution began. The call was not executed. Repeat it with the same ids \
         and a longer deadline.",
    ),
    refused(
        R::KeyMissing,
        &[Unauthenticated],
        "The call has no API key. Send one as metadata `authorization: Bearer <key>`; `wallet-server keys create` makes \
         the first one.",
    ),
    refused(
        R::KeyMalformed,
        &[Unauthenticated],
        "The metadata entry `authorization` is not `Bearer` and a whole API key or wallet token, or the checksum of the \
         key is wrong. Copy it again, from `cw_` or `cwt_` to its end.",
    ),
    refused(
        R::KeyInvalid,
        &[Unauthenticated],
        "The API key, or the one that made the wallet token, does not exist, is expired or is revoked; or the token was \
         changed. The answer does not tell which, so that nobody learns which keys exist. Use another key; an operator \
         lists the keys with `wallet-server keys list`.",
    ),
    refused(
        R::ScopeMissing,
        &[PermissionDenied],
        "The API key or wallet token does not have the scope that the method needs, or the key does not have the one that \
         CreateKey or CreateWalletToken is to give. Use a key with the scope.",
    )
    .keys(&["scope"]),
    refused(
        R::TenantSuspended,
        &[PermissionDenied],
        "The tenant of the API key is suspended. An operator resumes it with `wallet-server tenants resume`.",
    ),
    refused(
        R::KeysOff,
        &[FailedPrecondition],
        "The server has no pepper, without which it creates no API keys. Start it with `--key-pepper-file`.",
    ),
    refused(
        R::KeyNotFound,
        &[NotFound],
        "The tenant has no API key with this id. Keys of other tenants are answered alike.",
    ),
    refused(
        R::PositionOutOfRange,
        &[OutOfRange],
        "The feed cannot continue after the position. If it is too low, its items are deleted, by default after 90 days: \
         continue from one below `first_position`; ListEntries still has the entries before. If it is too high, it is of \
         another database, or of a state that was lost.",
    )
    .keys(&["first_position", "last_position"])
    .detail("position_out_of_range"),
    refused(
        R::WebhookEndpointNotFound,
        &[NotFound],
        "The tenant has no endpoint of webhooks with this id. ListWebhookEndpoints shows those that it has.",
    ),
    refused(
        R::WebhookEndpointExists,
        &[AlreadyExists],
        "The endpoint exists with another URL or other types. Choose another id, or change it with UpdateWebhookEndpoint.",
    ),
    refused(
        R::WalletTokenExpired,
        &[Unauthenticated],
        "The wallet token has expired. Ask the back end of the platform for another one, which it makes with \
         CreateWalletToken.",
    ),
    refused(
        R::NotForWalletToken,
        &[PermissionDenied],
        "The call has a wallet token, and its request names another wallet or none, or the method needs an API key. \
         The answer is the same if the other wallet does not exist. Make such calls from a back end, with a key.",
    ),
    refused(
        R::TooManyWatchers,
        &[ResourceExhausted],
        "The wallet, the tenant or all tenants together have as many streams at this server as it allows, `limit`. End one, \
         or read the balances with GetBalance and the feed with ListFeed.",
    )
    .keys(&["limit"]),
    refused(
        R::TenantLive,
        &[FailedPrecondition],
        "The tenant is live, so its clock is the server's and cannot be moved. Use a key of a tenant that was created with \
         `wallet-server tenants create NAME --test`, or a server with `--manual-clock`.",
    ),
    refused(
        R::TenantExists,
        &[AlreadyExists],
        "There is a tenant with this name and another mode. Choose another name; ListTenants shows all tenants.",
    ),
    refused(
        R::TenantNotFound,
        &[NotFound],
        "There is no tenant with this name. ListTenants shows all tenants.",
    ),
];
