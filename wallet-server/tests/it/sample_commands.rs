//! The seven commands that tests interrupt at every point: each with the wallet that it needs.

use wallet_client::v1::{self, succeeded::Cost};
use wallet_client::{Error, WalletClient};

use crate::harness::{credits, video};
use crate::shorthand::{cancel, settle, start};

/// One of the seven commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum SampleCommand {
    Reserve,
    Start,
    Extend,
    Settle,
    Cancel,
    TopUp,
    Subscribe,
}

pub(crate) const ALL: [SampleCommand; 7] = [
    SampleCommand::Reserve,
    SampleCommand::Start,
    SampleCommand::Extend,
    SampleCommand::Settle,
    SampleCommand::Cancel,
    SampleCommand::TopUp,
    SampleCommand::Subscribe,
];

impl SampleCommand {
    /// Creates a wallet in which the command can be executed.
    pub(crate) async fn prepare(self, client: &WalletClient, wallet: &str) {
        let create = v1::CreateWalletRequest { wallet_id: wallet.into(), ..Default::default() };
        client.create_wallet(create).await.expect("the wallet is created");
        client.top_up(v1::TopUpRequest::amount(wallet, "first", credits(100))).await.expect("credited");
        if matches!(
            self,
            SampleCommand::Start | SampleCommand::Extend | SampleCommand::Settle | SampleCommand::Cancel
        ) {
            client.reserve(v1::ReserveRequest::new(wallet, "job", video("5"))).await.expect("reserved");
        }
    }

    /// Sends the command, always with the same ids. Returns whether the answer is a replay.
    pub(crate) async fn send(self, client: &WalletClient, wallet: &str) -> Result<bool, Error> {
        Ok(match self {
            SampleCommand::Reserve => {
                client.reserve(v1::ReserveRequest::new(wallet, "job", video("5"))).await?.replayed
            }
            SampleCommand::Start => client.start(start(wallet, "job", "gpu", 1)).await?.replayed,
            SampleCommand::Extend => {
                let (wallet_id, reservation_id) = (wallet.into(), "job".into());
                client.extend(v1::ExtendRequest { wallet_id, reservation_id, ..Default::default() }).await?;
                false
            }
            SampleCommand::Settle => {
                let as_reserved = v1::Succeeded { cost: Some(Cost::AsReserved(v1::AsReserved {})) };
                client.settle(settle(wallet, "job", as_reserved)).await?.replayed
            }
            SampleCommand::Cancel => {
                client.cancel(cancel(wallet, "job", v1::CancelReason::User)).await?.replayed
            }
            SampleCommand::TopUp => {
                client.top_up(v1::TopUpRequest::amount(wallet, "second", credits(7))).await?.replayed
            }
            SampleCommand::Subscribe => {
                let (wallet_id, request_id, plan_id) = (wallet.into(), "sold".into(), "creator".into());
                let request = v1::SubscribeRequest { wallet_id, request_id, plan_id, ..Default::default() };
                client.subscribe(request).await?.replayed
            }
        })
    }

    /// Returns whether the answer of a second execution is marked as a replay. That of a heartbeat is not.
    pub(crate) fn tells_replays(self) -> bool {
        self != SampleCommand::Extend
    }

    /// The id of the model wallet, in which the command was executed once without a fault.
    pub(crate) fn model(self) -> String {
        format!("{self:?}-model")
    }
}

/// Creates the model wallets that all others are compared with.
pub(crate) async fn make_models(client: &WalletClient, of: &[SampleCommand]) {
    for seven in of {
        seven.prepare(client, &seven.model()).await;
        assert!(!seven.send(client, &seven.model()).await.expect("the call succeeds"));
    }
}
