//! The requests of `AdminService` about money that goes back: refunds, chargebacks and reversals.

use prost_types::Timestamp;

use crate::v1::{
    Amount, ExternalRef, Money, RecordChargebackRequest, RecordRefundRequest, RefundSubscriptionRequest,
    RefundTopUpRequest, ReverseChargeRequest, ReverseChargebackRequest, UsedCredits,
    record_chargeback_request, record_refund_request, refund_top_up_request, reverse_chargeback_request,
};

impl RefundTopUpRequest {
    /// Refunds the purchase with this id.
    pub fn top_up(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        top_up_id: impl Into<String>,
    ) -> Self {
        let purchase = refund_top_up_request::Purchase::TopUpId(top_up_id.into());
        Self {
            wallet_id: wallet_id.into(),
            request_id: request_id.into(),
            purchase: Some(purchase),
            ..Default::default()
        }
    }

    /// Refunds the purchase with this payment.
    pub fn payment(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        payment: ExternalRef,
    ) -> Self {
        let purchase = refund_top_up_request::Purchase::ExternalRef(payment);
        Self {
            wallet_id: wallet_id.into(),
            request_id: request_id.into(),
            purchase: Some(purchase),
            ..Default::default()
        }
    }

    /// Sets the instant at which the customer requested the refund: not before the payment, not in the future.
    /// Default: now.
    #[must_use]
    pub fn with_requested_time(mut self, time: impl Into<Timestamp>) -> Self {
        self.requested_time = Some(time.into());
        self
    }

    /// Shows the response and changes nothing. Default false.
    #[must_use]
    pub fn with_validate_only(mut self, validate_only: bool) -> Self {
        self.validate_only = validate_only;
        self
    }
}

impl RecordChargebackRequest {
    /// Records that the bank returned the payment of the purchase with this id.
    pub fn top_up(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        top_up_id: impl Into<String>,
    ) -> Self {
        let payment = record_chargeback_request::Payment::TopUpId(top_up_id.into());
        Self::of(wallet_id, request_id, payment)
    }

    /// Records that the bank returned this payment.
    pub fn payment(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        payment: ExternalRef,
    ) -> Self {
        let payment = record_chargeback_request::Payment::ExternalRef(payment);
        Self::of(wallet_id, request_id, payment)
    }

    /// Records that the bank returned the payment for the period of a subscription that started at this instant.
    pub fn period(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        period_start_time: impl Into<Timestamp>,
    ) -> Self {
        let payment = record_chargeback_request::Payment::PeriodStartTime(period_start_time.into());
        Self::of(wallet_id, request_id, payment)
    }

    /// Records that the bank returned the payment for a period that was recorded with this `payment_ref`.
    pub fn payment_ref(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        payment_ref: impl Into<String>,
    ) -> Self {
        let payment = record_chargeback_request::Payment::PaymentRef(payment_ref.into());
        Self::of(wallet_id, request_id, payment)
    }

    fn of(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        payment: record_chargeback_request::Payment,
    ) -> Self {
        Self {
            wallet_id: wallet_id.into(),
            request_id: request_id.into(),
            payment: Some(payment),
            ..Default::default()
        }
    }
}

impl RecordRefundRequest {
    /// Records that the payment provider has paid back `refunded_total` of the purchase with this id so far. Credits that
    /// were used are forgiven.
    pub fn top_up(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        top_up_id: impl Into<String>,
        refunded_total: Money,
    ) -> Self {
        let payment = record_refund_request::Payment::TopUpId(top_up_id.into());
        Self::of(wallet_id, request_id, payment, refunded_total)
    }

    /// Records that the payment provider has paid back `refunded_total` of this payment so far. Credits that were used are
    /// forgiven.
    pub fn payment(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        payment: ExternalRef,
        refunded_total: Money,
    ) -> Self {
        let payment = record_refund_request::Payment::ExternalRef(payment);
        Self::of(wallet_id, request_id, payment, refunded_total)
    }

    /// Records that the payment provider has paid back `refunded_total` of the period of a subscription that started at this
    /// instant so far. Credits that were used are forgiven.
    pub fn period(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        period_start_time: impl Into<Timestamp>,
        refunded_total: Money,
    ) -> Self {
        let payment = record_refund_request::Payment::PeriodStartTime(period_start_time.into());
        Self::of(wallet_id, request_id, payment, refunded_total)
    }

    /// Records that the payment provider has paid back `refunded_total` of the payment for a period that was recorded with this
    /// `payment_ref`. Credits that were used are forgiven.
    pub fn payment_ref(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        payment_ref: impl Into<String>,
        refunded_total: Money,
    ) -> Self {
        let payment = record_refund_request::Payment::PaymentRef(payment_ref.into());
        Self::of(wallet_id, request_id, payment, refunded_total)
    }

    fn of(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        payment: record_refund_request::Payment,
        refunded_total: Money,
    ) -> Self {
        Self {
            wallet_id: wallet_id.into(),
            request_id: request_id.into(),
            payment: Some(payment),
            refunded_total: Some(refunded_total),
            used: UsedCredits::Forgive.into(),
            ..Default::default()
        }
    }

    /// Sets the treatment of credits that were used beyond those that are still paid.
    #[must_use]
    pub fn with_used(mut self, used: UsedCredits) -> Self {
        self.used = used.into();
        self
    }

    /// Shows the response and changes nothing. Default false.
    #[must_use]
    pub fn with_validate_only(mut self, validate_only: bool) -> Self {
        self.validate_only = validate_only;
        self
    }
}

impl ReverseChargebackRequest {
    /// Withdraws the chargeback of the purchase with this id.
    pub fn top_up(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        top_up_id: impl Into<String>,
    ) -> Self {
        let payment = reverse_chargeback_request::Payment::TopUpId(top_up_id.into());
        Self::of(wallet_id, request_id, payment)
    }

    /// Withdraws the chargeback of this payment.
    pub fn payment(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        payment: ExternalRef,
    ) -> Self {
        let payment = reverse_chargeback_request::Payment::ExternalRef(payment);
        Self::of(wallet_id, request_id, payment)
    }

    /// Withdraws the chargeback of the period of a subscription that started at this instant.
    pub fn period(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        period_start_time: impl Into<Timestamp>,
    ) -> Self {
        let payment = reverse_chargeback_request::Payment::PeriodStartTime(period_start_time.into());
        Self::of(wallet_id, request_id, payment)
    }

    /// Withdraws the chargeback of the payment for a period that was recorded with this `payment_ref`.
    pub fn payment_ref(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        payment_ref: impl Into<String>,
    ) -> Self {
        let payment = reverse_chargeback_request::Payment::PaymentRef(payment_ref.into());
        Self::of(wallet_id, request_id, payment)
    }

    fn of(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        payment: reverse_chargeback_request::Payment,
    ) -> Self {
        Self {
            wallet_id: wallet_id.into(),
            request_id: request_id.into(),
            payment: Some(payment),
            ..Default::default()
        }
    }
}

impl ReverseChargeRequest {
    /// Gives back the whole charge of a job that has ended.
    pub fn new(
        wallet_id: impl Into<String>,
        request_id: impl Into<String>,
        reservation_id: impl Into<String>,
    ) -> Self {
        Self {
            wallet_id: wallet_id.into(),
            request_id: request_id.into(),
            reservation_id: reservation_id.into(),
            ..Default::default()
        }
    }

    /// Gives back these amounts only: at most the amounts that were charged and not reversed before.
    #[must_use]
    pub fn with_amounts(mut self, amounts: impl IntoIterator<Item = Amount>) -> Self {
        self.amounts = amounts.into_iter().collect();
        self
    }
}

impl RefundSubscriptionRequest {
    /// Ends a subscription now and computes the money to pay back.
    pub fn new(wallet_id: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self { wallet_id: wallet_id.into(), request_id: request_id.into(), ..Default::default() }
    }

    /// Sets the instant at which the customer requested the refund: not before the payment of the period, not in the
    /// future. Default: now.
    #[must_use]
    pub fn with_requested_time(mut self, time: impl Into<Timestamp>) -> Self {
        self.requested_time = Some(time.into());
        self
    }

    /// Shows the response and changes nothing. Default false.
    #[must_use]
    pub fn with_validate_only(mut self, validate_only: bool) -> Self {
        self.validate_only = validate_only;
        self
    }
}
