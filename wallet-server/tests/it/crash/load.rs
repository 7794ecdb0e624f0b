//! Callers that work while a test restarts or replaces two servers. Their clients know both, so no call fails.

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wallet_client::{ClientConfig, WalletClient, v1};

use super::caller::{Caller, STEPS};
use super::witness::{Acknowledgement, Witness};
use super::{WALLETS, wallet};

pub(super) const CALLERS: usize = 16;

/// Callers at work.
pub(super) struct Load {
    clients: [WalletClient; 4],
    witness: Witness,
    acknowledged: mpsc::UnboundedReceiver<Vec<Acknowledgement>>,
    working: JoinSet<Caller>,
    enough: CancellationToken,
}

/// A client of both servers, as in production.
pub(super) fn client(endpoints: &[String]) -> WalletClient {
    WalletClient::connect_lazy(ClientConfig::default().endpoints(endpoints)).expect("the configuration works")
}

impl Load {
    /// Creates the wallets and lets the callers begin. A call that fails fails the test.
    pub(super) async fn start(endpoints: &[String]) -> Self {
        let mut witness = Witness::default();
        let clients = [(); 4].map(|()| client(endpoints));
        for n in 0..WALLETS {
            let create = v1::CreateWalletRequest::new(wallet(n));
            witness.saw_new_wallet(clients[0].create_wallet(create).await.unwrap());
        }
        let (acknowledge, acknowledged) = mpsc::unbounded_channel();
        let enough = CancellationToken::new();
        let mut working = JoinSet::new();
        for n in 0..CALLERS {
            let (client, acknowledge, enough) = (clients[n % 4].clone(), acknowledge.clone(), enough.clone());
            working.spawn(async move {
                let mut caller = Caller::new(n, wallet(n % WALLETS));
                while !enough.is_cancelled() {
                    let (went_on, acknowledgements, tries) = caller.insist(client.clone(), STEPS).await;
                    assert_eq!(tries, STEPS, "a call failed, although the client has repeated it");
                    acknowledge.send(acknowledgements).expect("the witness listens");
                    caller = went_on;
                }
                caller
            });
        }
        Self { clients, witness, acknowledged, working, enough }
    }

    /// Waits until this many further calls are acknowledged.
    pub(super) async fn goes_on(&mut self, calls: usize) {
        let mut heard = 0;
        while heard < calls {
            let acknowledgements = self.acknowledged.recv().await.expect("a caller has ended");
            heard += acknowledgements.len();
            self.witness.saw(acknowledgements);
        }
    }

    /// Lets the callers finish their jobs. Returns the number of acknowledged calls.
    pub(super) async fn stop(mut self) -> (usize, Stopped) {
        self.enough.cancel();
        while let Some(acknowledgements) = self.acknowledged.recv().await {
            self.witness.saw(acknowledgements);
        }
        let callers = self.working.join_all().await;
        (self.witness.acknowledged(), Stopped { clients: self.clients, witness: self.witness, callers })
    }
}

/// Callers after their work.
pub(super) struct Stopped {
    clients: [WalletClient; 4],
    witness: Witness,
    callers: Vec<Caller>,
}

impl Stopped {
    /// Compares all acknowledgements with the ledger: every call happened exactly once.
    pub(super) async fn assert_all_happened_once(mut self) {
        self.witness.compare(&self.clients[0]).await;
        self.witness.assert_all_happened_once(&self.callers);
        self.witness.assert_final_state(&self.clients[1]).await;
    }
}
