//! The time of each wallet of a batch: the server's, or that of the clock of a test tenant.

use std::collections::BTreeMap;
use std::time::Duration;

use wallet_core::{Timestamp, WalletKey};

use crate::clock::Clock;
use crate::engine::queued_command::QueuedCommand;

/// The times at which the wallets of a batch are decided.
pub(super) struct BatchTime {
    now: Timestamp,
    /// The wallets whose tenants have clocks of their own. Empty on most servers.
    ahead: BTreeMap<WalletKey, Duration>,
}

impl BatchTime {
    /// Reads the clock for the wallets of a batch.
    pub(super) fn read(clock: &Clock, batch: &[QueuedCommand]) -> Self {
        let (now, tenants) = (clock.now(), clock.ahead());
        let ahead = match tenants.is_empty() {
            true => BTreeMap::new(),
            false => {
                batch.iter().filter_map(|queued| Some((queued.key, *tenants.get(&queued.tenant)?))).collect()
            }
        };
        Self { now, ahead }
    }

    /// Returns the time of a wallet.
    pub(super) fn of(&self, wallet: WalletKey) -> Timestamp {
        self.ahead.get(&wallet).map_or(self.now, |ahead| self.now.plus(*ahead))
    }
}
