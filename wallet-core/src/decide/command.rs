//! The list of all commands.

use crate::decide::admission_class::AdmissionClass;
use crate::decide::cancel::Cancel;
use crate::decide::cancel_subscription::CancelSubscription;
use crate::decide::change_plan::ChangePlan;
use crate::decide::close_wallet::CloseWallet;
use crate::decide::create_wallet::CreateWallet;
use crate::decide::extend::Extend;
use crate::decide::grant::Grant;
use crate::decide::pause_subscription::PauseSubscription;
use crate::decide::process_due::ProcessDue;
use crate::decide::read_set::ReadSet;
use crate::decide::record_auto_top_up_failure::RecordAutoTopUpFailure;
use crate::decide::record_chargeback::RecordChargeback;
use crate::decide::record_payment::RecordPayment;
use crate::decide::record_refund::RecordRefund;
use crate::decide::refund_subscription::RefundSubscription;
use crate::decide::refund_top_up::RefundTopUp;
use crate::decide::reserve::Reserve;
use crate::decide::resume_subscription::ResumeSubscription;
use crate::decide::reverse_charge::ReverseCharge;
use crate::decide::reverse_chargeback::ReverseChargeback;
use crate::decide::revoke_grant::RevokeGrant;
use crate::decide::set_auto_top_up::SetAutoTopUp;
use crate::decide::settle::Settle;
use crate::decide::start::Start;
use crate::decide::subscribe::Subscribe;
use crate::decide::top_up::TopUp;
use crate::decide::update_wallet::UpdateWallet;
use crate::decide::wallet_command::WalletCommand;
use crate::value::ids::RequestId;
use crate::wallet::Wallet;

/// Defines [`Command`], the conversion of each command into it, and [`with_command`]. The first token is a `$` for the
/// parameters of [`with_command`], because a macro that defines a macro cannot write one.
macro_rules! commands {
    ($dollar:tt $($(#[$doc:meta])* $name:ident,)+) => {
        /// A command on a wallet.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Command {
            $($(#[$doc])* $name($name),)+
        }

        impl Command {
            /// Returns the name of the command, for the log.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)+
                }
            }
        }

        $(
            impl From<$name> for Command {
                fn from(command: $name) -> Self {
                    Self::$name(command)
                }
            }
        )+

        /// Evaluates an expression for the command in a [`Command`], in a variable of its own type.
        macro_rules! with_command {
            ($dollar command:expr, $dollar own:ident => $dollar result:expr) => {
                match $dollar command {
                    $(Command::$name($dollar own) => $dollar result,)+
                }
            };
        }
        pub(crate) use with_command;
    };
}

commands! { $
    /// Creates the wallet.
    CreateWallet,
    /// Changes the properties of the wallet.
    UpdateWallet,
    /// Closes the wallet for good.
    CloseWallet,
    /// Holds credits for a job.
    Reserve,
    /// Starts a job on a worker.
    Start,
    /// Extends the hold of a running job: the heartbeat of a worker.
    Extend,
    /// Ends a job: charges it, or returns its credits after a failure.
    Settle,
    /// Cancels a job.
    Cancel,
    /// Grants credits that were bought.
    TopUp,
    /// Grants other credits.
    Grant,
    /// Revokes a grant.
    RevokeGrant,
    /// Refunds a purchase.
    RefundTopUp,
    /// Claws back the credits of a purchase or a period whose payment was charged back.
    RecordChargeback,
    /// Withdraws a chargeback whose dispute was won.
    ReverseChargeback,
    /// Records that the payment provider has refunded a purchase or a period.
    RecordRefund,
    /// Reverses a charge, or a part of it.
    ReverseCharge,
    /// Ends a subscription and refunds its price in full or in part.
    RefundSubscription,
    /// Sells a plan.
    Subscribe,
    /// Sells another plan.
    ChangePlan,
    /// Cancels a subscription.
    CancelSubscription,
    /// Pauses a subscription.
    PauseSubscription,
    /// Withdraws the cancellation or the pause of a subscription.
    ResumeSubscription,
    /// Records the payment of a period.
    RecordPayment,
    /// Sets the auto top-up, or turns it off.
    SetAutoTopUp,
    /// Records that a purchase of the auto top-up was declined.
    RecordAutoTopUpFailure,
    /// Processes what is due, and nothing else: the command of the sweeper.
    ProcessDue,
}

impl Command {
    /// Returns the rows to load besides the wallet's open grants and due reservations.
    pub fn read_set(&self) -> ReadSet {
        let request = self.request_id().cloned();
        ReadSet { request, ..with_command!(self, command => command.read_set()) }
    }

    /// Returns the idempotency key of a command that makes no row of its own.
    pub fn request_id(&self) -> Option<&RequestId> {
        with_command!(self, command => command.request_id())
    }

    /// Returns the class by which a busy server refuses the command.
    pub fn admission_class(&self) -> AdmissionClass {
        with_command!(self, command => command.admission_class())
    }

    /// Returns the catalog version, besides the current one, that prices the command: that of a new quote, or of a
    /// job that is settled by its usage.
    pub fn priced_by(&self, wallet: &Wallet) -> Option<i64> {
        with_command!(self, command => command.priced_by(wallet))
    }

    /// Returns whether the command sells a plan of the current catalog.
    pub fn sells_plan(&self) -> bool {
        with_command!(self, command => command.sells_plan())
    }
}
