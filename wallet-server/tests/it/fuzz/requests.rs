//! Mutated requests to every RPC.

use std::collections::BTreeSet;

use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use wallet_client::v1;
use wallet_server::Config;
use wallet_workload::{Rng, figure};

use super::corpus::{Input, inputs, keep, paid_again};
use super::{calls, mutate, raw};
use crate::harness::seed;
use crate::subscriptions::{PLANS, subscribe};

/// The number of calls of a usual run.
const CALLS: usize = 6_000;
/// The longest message that is kept, in bytes: longer ones are too slow to mutate further.
const LONGEST_KEPT: usize = 1_000;

each_fleet! {
    config = Config { catalog: Some(format!("{PLANS}{VIDEOS}")), ..Config::default() };

    async fn any_bytes_are_answered_and_the_ledger_stays_clean(servers: Vec<Server>) {
        servers[0].wallet("w", 1_000).await;
        let mut channels = Vec::new();
        for server in &servers {
            channels.push(Endpoint::from_shared(server.endpoint()).unwrap().connect().await.unwrap());
        }
        let mut rng = Rng::new(seed(), 0);
        let mut corpus = inputs();
        let mut outcomes = BTreeSet::new();
        for input in corpus.clone() {
            outcomes.insert(outcome(&input, &raw::call(&channels[0], &input.path, input.message.clone()).await));
        }
        let client = servers[0].client().await;
        // The wallet is subscribed afterwards, also if the corpus has ended its subscription.
        let sold = client.subscribe(subscribe("paid-twice", "creator")).await;
        let wallet = client.get_wallet(v1::GetWalletRequest { wallet_id: "w".into() }).await.unwrap().wallet.unwrap();
        let again = paid_again(&wallet.subscription.unwrap_or_else(|| panic!("{sold:?}")));
        let answer = raw::call(&channels[0], &again.path, again.message.clone()).await;
        outcomes.insert(outcome(&again, &answer));
        corpus.push(again);
        for reason in ["PLAN_USED", "PERIOD_PAID"] {
            assert!(outcomes.iter().any(|outcome| outcome.contains(reason)), "{reason} does not occur");
        }
        let (tries, known) = (calls(CALLS), outcomes.len());
        for n in 0..tries {
            let (base, donor) = (rng.pick(&corpus).unwrap().clone(), rng.pick(&corpus).unwrap().message.clone());
            let input = Input { message: mutate::mutate(&base.message, &donor, &mut rng), ..base };
            let answer = raw::call(&channels[n % channels.len()], &input.path, input.message.clone()).await;
            if outcomes.insert(outcome(&input, &answer)) {
                if input.message.len() > LONGEST_KEPT {
                    continue;
                }
                if std::env::var_os("WALLET_FUZZ_KEEP").is_some() {
                    keep(&input);
                }
                corpus.push(input);
            }
        }
        let fleet = if servers.len() == 1 { "a server" } else { "two servers" };
        let to = format!("requests to {fleet} on {}", servers[0].database.name());
        let found = format!("{} outcomes, {} of them not in the corpus", outcomes.len(), outcomes.len() - known);
        figure("fuzz", &[&to, &tries, &found]);
        let report = servers[0].verify().await;
        assert!(report.is_clean(), "{report}");
    }
}

/// The outcome of a call: its path, the code, the reason, and the first field with a violation. Panics if the answer is
/// a defect of the server.
fn outcome(input: &Input, answer: &Result<Vec<u8>, Status>) -> String {
    let Input { path, message } = input;
    let status = match answer {
        Ok(_) => return format!("{path} OK"),
        Err(status) => status,
    };
    let ours = [Code::Internal, Code::Unknown, Code::Unavailable, Code::DeadlineExceeded, Code::DataLoss];
    assert!(!ours.contains(&status.code()), "{path} {}: {status:?}", hex::encode(message));
    let details = status.get_error_details();
    let reason = details.error_info().map_or("", |info| &info.reason);
    let fields = details.bad_request().map_or(&[][..], |bad| &bad.field_violations);
    let first = fields.first().map(|violation| violation.field.as_str()).unwrap_or_default();
    let field: String = first.chars().filter(|character| !character.is_ascii_digit()).collect();
    format!("{path} {:?} {reason} {field}", status.code())
}

/// A trial, and the jobs of the corpus at other prices.
const VIDEOS: &str = r#"
[[plans]]
id = "taste"
rank = 1
term = "14 DAY"
once = true
allowances = [{ unit = "credits", amount = 40 }]

[[rules]]
id = "video"
kind = "video.generate"
when = { model = "standard" }
output_priced = true
max_percent = 120

[[rules.components]]
label = "Seconds"
unit = "credits"
quantity = "duration_s"
rate = 8
factors = [{ attribute = "resolution", values = { 720p = 1, 1080p = "1.5" } }]
"#;
