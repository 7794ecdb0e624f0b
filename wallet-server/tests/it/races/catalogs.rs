//! Plans that are published, sold and withdrawn at the same time, on every server at once: a sold plan stays, a
//! withdrawn plan is not sold, and the plan's caps hold on every server that serves its subscriber.

use tokio::task::JoinSet;
use wallet_client::WalletClient;
use wallet_client::v1::{self, ErrorReason};
use wallet_server::Config;

use crate::shorthand::publish;
use crate::subscriptions::images;

const ROUNDS: usize = 12;
const BUYERS: usize = 4;

/// A catalog of these plans, each for at most four images at a time; `note` makes the text unique.
fn document(plans: &[String], note: &str) -> String {
    let plan = |id: &String| {
        format!(
            "[[plans]]\nid = {id:?}\nrank = 1\nterm = \"WEEK\"\n\
             allowances = [{{ unit = \"credits\", amount = 100 }}]\n\
             entitlements = [{{ kind = \"image.generate\", max = {{ count = 4 }} }}]\n"
        )
    };
    let plans: String = plans.iter().map(plan).collect();
    let rule = "[[rules]]\nid = \"image\"\nkind = \"image.generate\"\n\
                components = [{ unit = \"credits\", quantity = \"count\", rate = 1 }]\n";
    format!("# {note}\n[units.credits]\n{plans}{rule}")
}

fn config() -> Config {
    Config { catalog: Some(document(&[], "start")), ..Config::default() }
}

each_fleet! {
    config = config();

    async fn of_a_sale_and_a_withdrawal_at_once_one_wins_and_caps_hold_everywhere(servers: Vec<Server>) {
        let mut clients = Vec::new();
        for server in &servers {
            clients.push(server.client().await);
        }
        let mut kept: Vec<String> = Vec::new();
        for round in 0..ROUNDS {
            let plan = format!("plan-{round}");
            for n in 0..BUYERS {
                let wallet_id = format!("w-{round}-{n}");
                clients[0].create_wallet(v1::CreateWalletRequest { wallet_id, ..Default::default() }).await.unwrap();
            }
            let with = [kept.clone(), vec![plan.clone()]].concat();
            publish(&clients[0], &document(&with, &format!("with {round}"))).await;

            // In every third round the plan is not withdrawn: servers that did not publish it sell it too.
            let stays = round % 3 == 0;
            let without = document(&kept, &format!("without {round}"));
            let mut buyers = JoinSet::new();
            for n in 0..BUYERS {
                let (clients, plan) = (clients.clone(), plan.clone());
                buyers.spawn(async move { buy(&clients, round, n, &plan).await });
            }
            let withdrawn = !stays && withdraw(&clients[round % clients.len()], without).await;
            let sold = buyers.join_all().await.into_iter().filter(|sold| *sold).count();
            assert!(!withdrawn || sold == 0, "round {round}: {sold} wallets have a plan that was withdrawn");
            assert!(withdrawn || sold == BUYERS, "round {round}: {sold} of {BUYERS} were sold a plan that stays");
            if !withdrawn {
                kept.push(plan);
            }
        }
        publish(&clients[0], &document(&kept, "end")).await;
        let report = servers[0].verify().await;
        assert!(report.is_clean(), "{report}");
    }
}

/// Buys the plan and uses it on the next server at once. Returns whether it was sold.
async fn buy(clients: &[WalletClient], round: usize, n: usize, plan: &str) -> bool {
    let (seller, next) = (&clients[n % clients.len()], &clients[(n + 1) % clients.len()]);
    let wallet_id = format!("w-{round}-{n}");
    let request = v1::SubscribeRequest {
        wallet_id: wallet_id.clone(),
        request_id: "sold".into(),
        plan_id: plan.into(),
        ..Default::default()
    };
    if let Err(error) = seller.subscribe(request).await {
        assert_eq!(error.reason(), Some(ErrorReason::PlanNotFound), "{error}");
        return false;
    }
    let estimate = v1::EstimateRequest {
        wallet_id: wallet_id.clone(),
        operation: Some(images("5")),
        ..Default::default()
    };
    assert_eq!(next.estimate(estimate).await.unwrap().decision(), v1::Decision::LimitExceeded);
    let error = next.reserve(v1::ReserveRequest::new(&wallet_id, "over", images("5"))).await.unwrap_err();
    assert_eq!(error.reason(), Some(ErrorReason::LimitExceeded), "{error}");
    next.reserve(v1::ReserveRequest::new(&wallet_id, "within", images("4"))).await.unwrap();
    true
}

/// Withdraws the plan. Returns whether that succeeded: it does not if the plan has a subscriber.
async fn withdraw(client: &WalletClient, toml: String) -> bool {
    match client.publish_catalog(v1::PublishCatalogRequest { toml, ..Default::default() }).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.reason(), Some(ErrorReason::CatalogInvalid), "{error}");
            false
        }
    }
}
