//! Changes of endpoints at the same time, on two servers.

use tokio::task::JoinSet;
use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason};

use super::endpoint;
use crate::harness::{Database, Server};
use crate::shorthand::refused;

/// A host that does not exist. Its deliveries fail, which changes no endpoint here.
const URL: &str = "https://crm.example";

/// Returns two servers on one PostgreSQL.
async fn two_servers() -> [Server; 2] {
    let database = Database::postgres();
    [Server::start(database.clone()).await, Server::start(database).await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_changes_of_an_endpoint_at_once_none_is_undone() {
    let [here, there] = two_servers().await;
    let (here, there) = (here.client().await, there.client().await);
    here.create_webhook_endpoint(v1::CreateWebhookEndpointRequest::new("crm", URL)).await.unwrap();
    for n in 1..=40 {
        let url = format!("{URL}/{n}");
        let moved = v1::UpdateWebhookEndpointRequest { url: url.clone(), ..update() };
        let rotated = v1::UpdateWebhookEndpointRequest { secret_version: n + 1, ..update() };
        let (moved, rotated) =
            tokio::join!(here.update_webhook_endpoint(moved), there.update_webhook_endpoint(rotated));
        moved.unwrap();
        rotated.unwrap();
        let endpoint = endpoint(&here).await;
        assert_eq!((endpoint.url, endpoint.secret_version), (url, n + 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_creations_at_once_one_takes_an_id_and_sixteen_fit() {
    let [here, there] = two_servers().await;
    let clients = [here.client().await, there.client().await];
    let create = async |names: [String; 24]| {
        let mut calls = JoinSet::new();
        for (n, name) in names.into_iter().enumerate() {
            let client = clients[n % 2].clone();
            let request = v1::CreateWebhookEndpointRequest::new(name, format!("{URL}/{n}"));
            calls.spawn(async move { client.create_webhook_endpoint(request).await });
        }
        let (created, refused): (Vec<_>, Vec<_>) =
            calls.join_all().await.into_iter().partition(Result::is_ok);
        (created.len(), refused)
    };
    let (created, others) = create(std::array::from_fn(|_| "crm".to_owned())).await;
    assert_eq!(created, 1, "all have other URLs");
    for other in others {
        refused(other, ErrorReason::WebhookEndpointExists, Code::AlreadyExists);
    }
    let (created, others) = create(std::array::from_fn(|n| format!("e{n}"))).await;
    assert_eq!(created, 15);
    for other in others {
        refused(other, ErrorReason::LimitExceeded, Code::FailedPrecondition);
    }
}

fn update() -> v1::UpdateWebhookEndpointRequest {
    v1::UpdateWebhookEndpointRequest { endpoint_id: "crm".into(), ..Default::default() }
}
