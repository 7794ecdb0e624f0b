//! The list of the checks, in the order in which they are reported.

use crate::causes::Chain;
use crate::doctor::finding::{Finding, Level};
use crate::doctor::{database, files, work};
use crate::settings::{Settings, SettingsError};
use crate::store::{Store, StoreError};

/// Examines the server that these settings start.
pub(crate) async fn examine(settings: Result<Settings, SettingsError>) -> Vec<Finding> {
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => {
            let next = "correct it; `wallet-server config check FILE` checks a file";
            return vec![Finding::error("configuration", Chain(&error), next)];
        }
    };
    let mut findings = vec![Finding::ok("configuration", "all settings are valid")];
    findings.extend(files::certificate(&settings));
    findings.extend(files::pepper(&settings));
    let url = &settings.server.database_url;
    match Store::open_read_only(url.secret()).await {
        Ok(store) => findings.extend(of_database(&store, &settings).await),
        Err(error) => {
            let next =
                "start the database, or correct database_url; `wallet-server migrate` creates a SQLite file";
            findings.push(Finding::error("database", format!("{url}: {}", Chain(&error)), next));
        }
    }
    findings
}

async fn of_database(store: &Store, settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![
        or_failed("database", database::version(store, &settings.server.database_url).await),
        or_failed("durability", database::durability(store, settings.server.accept_unsafe_database).await),
    ];
    let schema = database::migrations(store).await;
    let is_there = matches!(&schema, Ok(finding) if finding.level == Level::Ok);
    findings.push(or_failed("schema", schema));
    // The other checks need the schema of this release: with missing tables they fail, with newer ones they may
    // mislead.
    if !is_there {
        return findings;
    }
    findings.push(or_failed("indexes", database::objects(store).await));
    findings.push(or_failed("clock", database::clock(store).await));
    findings.extend(optional("disk", database::disk(store)));
    findings.extend(optional("vacuum", database::vacuum(store).await));
    findings.extend(optional("transactions", database::transactions(store).await));
    findings.extend(optional("keys", database::keys(store, settings).await));
    findings.push(or_failed("holds", work::holds(store).await));
    findings.push(or_failed("clocks", work::moved_clocks(store).await));
    findings.push(or_failed("wallets", work::frozen(store).await));
    findings.push(or_failed("feed", work::feed(store).await));
    findings.push(or_failed("webhooks", work::webhooks(store).await));
    if !settings.nats.url.is_empty() {
        findings.push(or_failed("nats", work::nats(store).await));
    }
    findings
}

/// Returns the finding, or that the check could not be carried out.
fn or_failed(check: &'static str, finding: Result<Finding, StoreError>) -> Finding {
    finding.unwrap_or_else(|error| {
        let next = "look at the log of the database, then run doctor again";
        Finding::error(check, format!("cannot be examined: {}", Chain(&error)), next)
    })
}

fn optional(check: &'static str, finding: Result<Option<Finding>, StoreError>) -> Option<Finding> {
    finding.transpose().map(|finding| or_failed(check, finding))
}
