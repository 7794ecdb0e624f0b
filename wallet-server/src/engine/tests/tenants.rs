//! Wallets of several tenants in one batch: each is decided and read at the time of its tenant.

use std::time::Duration;

use wallet_core::{Author, TenantId, Timestamp, WalletId, WalletKey};

use super::due::create;
use super::verify_speed::id;
use super::{Database, jobs, queries};
use crate::clock::Clock;
use crate::config::BUNDLED_CATALOG;
use crate::keys::Mode;
use crate::tenants::Tenants;

const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
const DAY: Duration = Duration::from_secs(86_400);

async fn each_at_its_time(database: Database) {
    let clock = Clock::manual(START);
    let mut lane = database.lane(&clock, BUNDLED_CATALOG).await;
    let tenants = Tenants { store: lane.runner.store.clone(), clock: clock.clone() };
    let author = Author::system();
    let made = tenants.create("sandbox", Mode::Test, BUNDLED_CATALOG, &author).await.unwrap();
    let test = TenantId(made.row.tenant);
    lane.runner.catalogs.know(test).await.unwrap();
    clock.learn([(test, DAY)]);

    let wallet: WalletId = id("w");
    let mut batch = jobs(&[(wallet.clone(), create()), (wallet.clone(), create())]);
    (batch[1].tenant, batch[1].key) = (test, WalletKey::new(test, &wallet));
    for later in [Duration::ZERO, DAY] {
        clock.move_to(START.plus(later));
        let answers = lane.runner.run_batch(&batch, false).await.unwrap();
        let times: Vec<_> = answers.into_iter().map(|reply| reply.unwrap().unwrap().decided_at).collect();
        assert_eq!(times, [START.plus(later), START.plus(later + DAY)]);
        let queries = queries(&lane, &clock);
        for (tenant, time) in [(TenantId::DEFAULT, later), (test, later + DAY)] {
            let read = queries.wallet(tenant, &wallet).await.unwrap();
            assert_eq!(read.read_time, START.plus(time));
        }
    }
    database.verify().await;
}

#[tokio::test]
async fn wallets_of_one_batch_have_the_times_of_their_tenants_on_sqlite() {
    each_at_its_time(Database::sqlite()).await;
}

#[tokio::test]
async fn wallets_of_one_batch_have_the_times_of_their_tenants_on_postgres() {
    each_at_its_time(Database::postgres()).await;
}
