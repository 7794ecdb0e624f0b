//! Ledgers in files, with every event that can happen to a wallet.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use wallet_core::catalog::Catalog;
use wallet_core::decide::{Cost, CreateWallet, PaymentName};
use wallet_core::refund::UsedCredits;
use wallet_core::reservation::CancelReason;
use wallet_core::{
    Amounts, Author, Catalogs, ChangeSet, Command, Finished, OriginId, Rejection, TenantId, Timestamp,
    UnitOfWork, WalletId, WalletKey,
};

use super::commands::{
    auto, buy, cancel, change_plan, charge_back, charge_back_of, clip, close, credits, declined, end, extend,
    fail, grant, paid_back, pause, pay, priced, refund, refund_asked, refund_subscription, rename, reserve,
    resume, reverse, revoke, settle, start, subscribe, top_up, win_dispute, win_dispute_of,
};
use crate::store::{
    AuditRow, CatalogRow, Change, DeliveryResults, DeliveryRow, EndpointRow, KeyRow, LoadedWallet, Store, Tx,
    WalletWrite,
};

const CATALOG: &str = r#"
[units.credits]
[units.trainings]
[policies]
overage = "ALLOW_NEGATIVE"
[policies.failure_fees.NSFW]
credits = 25
[[plans]]
id = "basic"
rank = 1
term = "WEEK"
allowances = [{ unit = "credits", amount = 30, rollover = { cap = 5 } }]
[[plans]]
id = "plus"
rank = 2
term = "WEEK"
allowances = [{ unit = "credits", amount = 100 }]
thresholds = { credits = ["95%"] }
expiry_warning_days = 2
[[plans]]
id = "yearly"
term = "YEAR"
list_price = { currency = "EUR", minor_units = 12000 }
allowances = [{ unit = "credits", amount = 500 }, { unit = "trainings", amount = 1, cadence = "WEEK" }]
[[plans]]
id = "prepaid"
term = "WEEK"
renewal = "ON_PAYMENT"
allowances = [{ unit = "credits", amount = 30 }]
[[plans]]
id = "half"
term = "WEEK"
renewal = "PROVISIONAL"
provisional_share = 50
dunning = "1d"
allowances = [{ unit = "credits", amount = 30 }]
[[rules]]
id = "clip"
kind = "video"
components = [{ label = "Clip", unit = "credits", flat = 2 }]
[[packs]]
id = "brief"
amounts = { credits = 30, trainings = 1 }
expiry = { days = 1 }
[[packs]]
id = "with"
amounts = { credits = 9 }
expiry = { with_subscription = true }
"#;

pub(super) const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
/// The minutes of a week.
const WEEK: u32 = 7 * 24 * 60;

/// Creates a database with these wallets. It is deleted with the folder.
pub(super) async fn written(wallets: &[Story]) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("wallet.db").display());
    write(&url, wallets).await;
    (folder, url)
}

/// The id of the API key in the database.
const KEY: &str = "0123456789";

fn change(action: &'static str, subject: &str) -> AuditRow {
    let change = Change { action, subject: subject.to_owned(), details: String::new() };
    change.row(TenantId::DEFAULT, &Author::system(), START)
}

/// Fills an empty database as a server would: with catalogs, the key that signs quotes, a lease and these wallets.
pub(super) async fn write(url: &str, wallets: &[Story]) {
    let store = Store::open(url).await.unwrap();
    store.migrate().await.unwrap();
    for version in [1, 2] {
        let toml = format!("{CATALOG}# version {version}");
        let catalog = CatalogRow {
            tenant: TenantId::DEFAULT.0,
            version,
            digest: Catalog::parse(&toml).unwrap().digest().to_vec(),
            toml,
            publish_time: START.as_micros() + version,
        };
        let publishing = store.begin_publishing(TenantId::DEFAULT).await.unwrap();
        let audit = change("catalog.publish", &version.to_string());
        publishing.commit(catalog, audit).await.unwrap();
    }
    let control = store.begin_control().await.unwrap();
    let key = KeyRow {
        key_id: KEY.to_owned(),
        tenant: TenantId::DEFAULT.0,
        name: "gpu workers".to_owned(),
        scopes: "estimate reserve".to_owned(),
        mac: vec![7; 32],
        create_time: START.as_micros(),
        expire_time: Timestamp::NEVER.as_micros(),
        revoke_time: Timestamp::NEVER.as_micros(),
        calls_per_second: 0,
        calls_burst: 0,
    };
    control.insert_key(key).await.unwrap();
    control.commit(change("key.create", KEY)).await.unwrap();
    store.signing_key("quotes", [7; 32], START).await.unwrap();
    assert!(store.sweep_lease(3, uuid::Uuid::new_v4(), START, MINUTE).await.unwrap());
    let lane = store.lane().await.unwrap();
    // The items of the last wallet remain in the outbox.
    let (last, others) = wallets.split_last().map_or((None, wallets), |(last, others)| (Some(last), others));
    for wallets in [others, last.map_or(&[], std::slice::from_ref)] {
        let buckets: Vec<i16> = store.outbox().await.unwrap().iter().map(|(bucket, _)| *bucket).collect();
        store.sequence(&buckets, START).await.unwrap();
        let tx = Tx::begin(&lane, store.backend(), MINUTE).await.unwrap();
        let batch: Vec<WalletWrite<'_>> = wallets.iter().map(Story::written).collect();
        tx.append(&batch).await.unwrap();
        tx.commit().await.unwrap();
    }
    webhook(&store).await;
    let end = store.feed_ends().await.unwrap().get(&TenantId::DEFAULT).map_or(0, |ends| ends.last);
    store.move_nats_position(TenantId::DEFAULT, end).await.unwrap();
    assert!(store.task_lease("feed", uuid::Uuid::new_v4(), START, MINUTE).await.unwrap());
    lane.close().await.unwrap();
}

/// Writes an endpoint of webhooks with a delivery that failed.
async fn webhook(store: &Store) {
    let endpoint = EndpointRow {
        tenant: TenantId::DEFAULT.0,
        endpoint_id: "crm".to_owned(),
        url: "https://crm.example/wallet".to_owned(),
        types: "job.settled balance.low".to_owned(),
        ordered: false,
        state: 0,
        secret_version: 2,
        rotate_time: START.as_micros(),
        last_position: 0,
        failing_since: Timestamp::NEVER.as_micros(),
        create_time: START.as_micros(),
    };
    let control = store.begin_control().await.unwrap();
    control.put_endpoint(endpoint.clone()).await.unwrap();
    control.commit(change("webhook.create", "crm")).await.unwrap();
    let failed = DeliveryRow {
        tenant: endpoint.tenant,
        endpoint_id: endpoint.endpoint_id.clone(),
        position: 0,
        attempts: 1,
        attempt_time: START.as_micros(),
        next_time: START.as_micros() + 1,
        failure: "answers 500".to_owned(),
    };
    let result = DeliveryResults {
        last_position: 0,
        succeeded: Vec::new(),
        failed: vec![failed],
        failing_since: START,
        state: 0,
        disabled: None,
    };
    store.record_deliveries(&endpoint, result, false, START).await.unwrap();
}

/// A wallet with its history.
pub(super) struct Story {
    catalogs: Catalogs,
    loaded: LoadedWallet,
    finished: Finished,
}

impl Story {
    /// A new wallet with a debt limit of 50 credits.
    pub(super) fn of(wallet: &str) -> Self {
        Self::under(CATALOG, wallet)
    }

    /// A new wallet under a catalog with another overage policy.
    pub(super) fn with_overage(overage: &str, wallet: &str) -> Self {
        Self::under(&CATALOG.replace("ALLOW_NEGATIVE", overage), wallet)
    }

    fn under(catalog: &str, wallet: &str) -> Self {
        let id: WalletId = wallet.parse().unwrap();
        let key = WalletKey::new(TenantId::DEFAULT, &id);
        let catalog = Catalog::parse(catalog).unwrap().with_version(1);
        let story = Self {
            catalogs: Catalogs::of(Arc::new(catalog)),
            loaded: LoadedWallet::missing(TenantId::DEFAULT, key, id),
            finished: Finished { now: START, entries: Vec::new(), changes: ChangeSet::default() },
        };
        let debt_limits = credits(50);
        story.and(Command::CreateWallet(CreateWallet { display_name: String::new(), debt_limits }))
    }

    /// A wallet with holds settled below and above their price, settled late, failed, cancelled and expired, and with
    /// grants that expire, become effective, return as grace credits, repay debt and are revoked.
    pub(super) fn rich(wallet: &str) -> Self {
        Self::of(wallet)
            .and(top_up("t1", "credits", 100))
            .and(top_up("t2", "trainings", 3))
            .and(grant("g1", 40, None, Some(60)))
            .and(grant("g2", 30, Some(120), Some(30 * 60)))
            .and(reserve("j1", 60, 60, None))
            .and(start("j1", MINUTE * 5))
            .and(settle("j1", Cost::Amounts(credits(45)), false))
            .and(reserve("j2", 20, 20, Some("w1")))
            .and(cancel("j2", CancelReason::User))
            .and(grant("g5", 12, None, Some(60)))
            .and(reserve("j3", 30, 30, None))
            .and(grant("g6", 3, None, Some(60)))
            .wait(100)
            .and(settle("j3", Cost::AsReserved, true))
            .and(cancel("j4", CancelReason::Platform))
            .and(reserve("j5", 10, 10, None))
            .and(fail("j5", "NSFW"))
            .and(reserve("j6", 1, 500, Some("w1")))
            .and(settle("j6", Cost::Amounts(credits(70)), false))
            .and(grant("g3", 25, None, None))
            .wait(60)
            .and(grant("g4", 25, None, None))
            .and(reserve("j7", 57, 57, None))
            .and(reserve("j9", 4, 4, None))
            .and(revoke("r1", "grant:g4"))
            .and(settle("j9", Cost::Amounts(credits(3)), false))
            .and(rename("r2"))
            .and(top_up("t3", "credits", 7))
            .and(reserve("j8", 5, 5, None))
            .and(start("j8", MINUTE * 5))
            .and(extend("j8", MINUTE * 9))
    }

    /// [`Story::rich`] with open holds of every kind (held, processing and extended, started with Reserve, priced by
    /// the catalog), a pending plan change, and credits with a pending expiry warning.
    pub(super) fn open(wallet: &str) -> Self {
        Self::rich(wallet)
            .and(top_up("t5", "credits", 300))
            .and(subscribe("s1", "plus"))
            .and(change_plan("c1", "basic"))
            .and(reserve("j10", 4, 4, Some("w1")))
            .and(clip("j11"))
            .and(reserve("j12", 6, 6, None))
            .and(start("j12", MINUTE * 5))
            .and(extend("j12", MINUTE * 9))
            .wait(3)
            .and(extend("j12", MINUTE * 9))
    }

    /// A wallet with subscriptions: periods, plan changes, payments early, late and missing, and ends.
    pub(super) fn subscribed(wallet: &str) -> Self {
        Self::of(wallet)
            .and(subscribe("s1", "basic"))
            .and(change_plan("c1", "plus"))
            .and(reserve("j1", 20, 20, None))
            .and(end("e1", false))
            .and(resume("u1"))
            .and(pause("z1"))
            .wait(WEEK)
            .and(resume("u2"))
            .wait(WEEK)
            .and(change_plan("c2", "basic"))
            .wait(WEEK)
            .and(reserve("j2", 7, 7, None))
            .and(end("e2", true))
            .and(settle("j2", Cost::Amounts(credits(4)), false))
            .and(subscribe("s2", "yearly"))
            .wait(WEEK)
            .and(end("e3", true))
            .and(subscribe("s3", "prepaid"))
            .and(pay("p1"))
            .and(buy("t1", "with"))
            .wait(2 * WEEK)
            .and(pay("p2"))
            .wait(2 * WEEK)
            .and(rename("r1"))
            .and(subscribe("s4", "basic"))
            .wait(WEEK)
            .and(rename("r2"))
    }

    /// A wallet with refunds and chargebacks of purchases that are used, unused, held and returned as grace credits.
    pub(super) fn money_back(wallet: &str) -> Self {
        Self::of(wallet)
            .and(buy("t3", "brief"))
            .wait(24 * 60 - 30)
            .and(reserve("j4", 30, 30, None))
            .wait(60)
            .and(fail("j4", "GPU"))
            .and(refund_asked("f2", "t3", 60))
            .and(top_up("t2", "credits", 50))
            .and(refund("f1", "t2"))
            .and(top_up("t1", "credits", 100))
            .and(reserve("j1", 40, 40, None))
            .and(settle("j1", Cost::AsReserved, false))
            .and(reserve("j2", 10, 10, Some("w1")))
            .and(reserve("j3", 15, 15, None))
            .and(reserve("j5", 25, 25, None))
            .and(grant("g1", 200, None, Some(24 * 60 + 200)))
            .and(reserve("j6", 30, 60, None))
            .and(settle("j6", Cost::AsReserved, false))
            .and(reserve("j7", 170, 170, None))
            .and(charge_back("c1", "t1"))
            .and(settle("j2", Cost::Amounts(credits(9)), false))
            .and(cancel("j3", CancelReason::User))
            .and(fail("j5", "NSFW"))
            .and(top_up("t4", "credits", 2))
            .and(reverse("v1", "j1", credits(3)))
            .and(reverse("v2", "j2", Amounts::none()))
            .and(reverse("v3", "j6", credits(5)))
            .and(settle("j7", Cost::Amounts(credits(160)), false))
            .wait(24 * 60)
            .and(reverse("v4", "j6", credits(7)))
            .and(reverse("v5", "j6", Amounts::none()))
            .and(subscribe("s1", "yearly"))
            .and(refund_subscription("f3"))
    }

    /// A wallet whose dispute was won after its debt had been repaid in part, with a refund of the payment provider,
    /// and that was closed.
    pub(super) fn closed(wallet: &str) -> Self {
        Self::of(wallet)
            .and(top_up("t1", "credits", 100))
            .and(reserve("j1", 40, 40, None))
            .and(settle("j1", Cost::AsReserved, false))
            .and(charge_back("c1", "t1"))
            .and(top_up("t2", "credits", 30))
            .and(win_dispute("w1", "t1"))
            .and(priced("t3", 100, 1_000))
            .and(reserve("j2", 150, 150, None))
            .and(settle("j2", Cost::Amounts(credits(140)), false))
            .and(reserve("j3", 30, 30, None))
            .and(paid_back("p1", "t3", 800, UsedCredits::Owe))
            .and(settle("j3", Cost::Amounts(credits(20)), false))
            .and(paid_back("p2", "t3", 1_000, UsedCredits::Owe))
            .and(reverse("v1", "j2", credits(30)))
            .and(paid_back("p3", "t3", 300, UsedCredits::Forgive))
            .and(top_up("t4", "credits", 200))
            .and(close("x1"))
    }

    /// A wallet with a year that was charged back while a job held some of its credits. The dispute was won, and
    /// another one began.
    pub(super) fn disputed_year(wallet: &str) -> Self {
        let story = Self::of(wallet);
        let start = story.finished.now.plus(Duration::from_secs(1));
        let year = || PaymentName::Period(start);
        story
            .and(subscribe("s1", "yearly"))
            .and(reserve("j1", 40, 40, None))
            .and(settle("j1", Cost::AsReserved, false))
            .and(reserve("j2", 30, 30, None))
            .and(charge_back_of("c1", year()))
            .and(settle("j2", Cost::Amounts(credits(10)), false))
            .wait(5 * WEEK)
            .and(win_dispute_of("w1", year()))
            .and(charge_back_of("c2", year()))
    }

    /// A wallet whose provisional period gave 15 credits, of which a job used these, and ended unpaid. The story
    /// returns the start of its anchor too.
    fn unpaid(wallet: &str, used: i64) -> (Self, Timestamp) {
        let story = Self::of(wallet);
        let anchor = story.finished.now.plus(Duration::from_secs(1));
        let story = story
            .and(subscribe("s1", "half"))
            .wait(WEEK)
            .and(reserve("j1", used, used, None))
            .and(settle("j1", Cost::AsReserved, false))
            .wait(3 * 24 * 60);
        (story, anchor)
    }

    /// A wallet whose period ended unpaid after all its credits had been charged. A part of the charge was reversed.
    pub(super) fn unpaid_and_reversed(wallet: &str) -> Self {
        let (story, _) = Self::unpaid(wallet, 15);
        story.and(reverse("v1", "j1", credits(5)))
    }

    /// A wallet whose period ended unpaid, was paid by another sale, and was charged back.
    pub(super) fn unpaid_and_disputed(wallet: &str, used: i64) -> Self {
        let (story, anchor) = Self::unpaid(wallet, used);
        let mut again = subscribe("s2", "half");
        if let Command::Subscribe(sale) = &mut again {
            sale.anchor = Some(anchor);
        }
        let period = PaymentName::Period(anchor.plus(MINUTE * WEEK));
        story
            .and(again)
            .and(reserve("j2", 7, 7, None))
            .and(settle("j2", Cost::AsReserved, false))
            .and(charge_back_of("c1", period))
    }

    /// A wallet that has used a plan, has cancelled it, and has bought it again for the same period, which is charged
    /// back.
    pub(super) fn sold_again_and_disputed(wallet: &str) -> Self {
        let story = Self::of(wallet);
        let anchor = story.finished.now.plus(Duration::from_secs(1));
        let mut again = subscribe("s2", "yearly");
        if let Command::Subscribe(sale) = &mut again {
            sale.anchor = Some(anchor);
        }
        story
            .and(subscribe("s1", "yearly"))
            .and(reserve("j1", 40, 40, None))
            .and(settle("j1", Cost::AsReserved, false))
            .and(end("e1", true))
            .and(again)
            .and(charge_back_of("c1", PaymentName::Period(anchor)))
    }

    /// A wallet with auto top-up: purchases that are bought, declined, due after a wait, and under way.
    pub(super) fn topped_up(wallet: &str) -> Self {
        let mut story = Self::of(wallet)
            .and(top_up("t1", "credits", 100))
            .and(auto("a1"))
            .and(reserve("j1", 60, 60, None))
            .and(settle("j1", Cost::AsReserved, false));
        let first = story.under_way();
        story = story.and(buy(first.as_str(), "brief"));
        let second = story.under_way();
        story = story.and(declined("d1", &second)).wait(60).and(rename("r1"));
        story.under_way();
        story
    }

    /// Returns the id of the purchase under way.
    fn under_way(&self) -> OriginId {
        let auto = self.loaded.wallet.profile.auto_top_up.as_ref().expect("it is set");
        auto.under_way.as_ref().expect("one is under way").id.clone()
    }

    /// A wallet with expired holds that were ended for good later.
    pub(super) fn ended_late(wallet: &str) -> Self {
        Self::of(wallet)
            .and(top_up("t1", "credits", 100))
            .and(reserve("j1", 10, 10, None))
            .and(reserve("j2", 20, 20, None))
            .and(reserve("j3", 30, 30, None))
            .wait(100)
            .and(cancel("j1", CancelReason::User))
            .and(fail("j2", "GPU"))
            .and(settle("j3", Cost::AsReserved, true))
    }

    /// Executes the next command, which must not be refused.
    pub(super) fn and(mut self, command: Command) -> Self {
        let refused = self.attempt(&command);
        assert!(refused.is_none(), "{command:?}: {refused:?}");
        self
    }

    /// Executes the next command. Returns the rejection if it is refused.
    pub(super) fn attempt(&mut self, command: &Command) -> Option<Rejection> {
        self.pass(Duration::from_secs(1));
        let mut work = UnitOfWork::open(&mut self.loaded.wallet, self.finished.now);
        let reply = work.execute(command, &self.catalogs).unwrap();
        let Finished { entries, changes, .. } = work.finish();
        self.finished.entries.extend(entries);
        self.finished.changes.add(changes);
        reply.result.err()
    }

    /// Lets this many minutes pass.
    pub(super) fn wait(mut self, minutes: u32) -> Self {
        self.pass(MINUTE * minutes);
        self
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.finished.now = self.finished.now.plus(time);
    }

    /// Returns the kinds of the wallet's entries.
    pub(super) fn kinds(&self) -> std::collections::BTreeSet<wallet_core::entry::EntryKind> {
        self.finished.entries.iter().map(|entry| entry.kind).collect()
    }

    fn written(&self) -> WalletWrite<'_> {
        WalletWrite { loaded: &self.loaded, finished: &self.finished }
    }
}
