//! ListAuditEvents: who changed keys and catalogs, the newest change first.

use wallet_client::v1::{self, Scope};

use crate::harness::{Database, Front, id_of, with_key};
use crate::shorthand::publish;
use crate::subscriptions::PLANS;

async fn given(database: Database) {
    let front = Front::new(database);
    front.cli(&["tenants", "create", "other"]);
    let key = front.key("other", "all");
    let replaced = front.key("other", "read");
    front.cli(&["keys", "rotate", id_of(&replaced), "--tenant", "other"]);
    front.cli(&["tenants", "suspend", "other"]);
    front.cli(&["tenants", "resume", "other"]);
    let server = front.serve().await;
    let client = with_key(&server, &key).await.with_metadata("x-request-id", "trace-7").unwrap();
    let made = client.create_key(v1::CreateKeyRequest::new("a", [Scope::Read])).await.unwrap().key.unwrap();
    client.revoke_key(v1::RevokeKeyRequest::new(&made.key_id)).await.unwrap();
    client.revoke_key(v1::RevokeKeyRequest::new(&made.key_id)).await.unwrap();
    publish(&client, PLANS).await;

    let mut recorded = Vec::new();
    let mut request = v1::ListAuditEventsRequest::new().with_page_size(2);
    loop {
        let page = client.list_audit_events(request).await.unwrap();
        recorded.extend(page.events.into_iter().map(|event| {
            let v1::AuditEvent { principal, call_id, action, subject, event_time, .. } = event;
            assert!(event_time.is_some());
            format!("{principal} {call_id} {action} {subject}")
        }));
        if page.next_page_token.is_empty() {
            break;
        }
        request = v1::ListAuditEventsRequest::new().with_page_size(2).with_page_token(page.next_page_token);
    }
    let (author, id) = (id_of(&key), &made.key_id);
    let mut changes = recorded[3..].to_vec();
    assert_eq!(
        recorded[..3],
        [
            format!("{author} trace-7 catalog.publish 2"),
            format!("{author} trace-7 key.revoke {id}"),
            format!("{author} trace-7 key.create {id}"),
        ]
    );
    let local = ["tenant.resume other", "tenant.suspend other"].map(|change| format!("local  {change}"));
    assert_eq!(changes.drain(..2).collect::<Vec<_>>(), local);
    assert_eq!(changes[0], format!("local  key.replace {}", id_of(&replaced)));
    assert_eq!(changes[3], "local  tenant.create other");
    assert_eq!(changes.len(), 4, "{changes:?}");
    let report = server.verify().await;
    assert!(report.is_clean(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_names_the_author_of_every_change_on_sqlite() {
    given(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_names_the_author_of_every_change_on_postgres() {
    given(Database::postgres()).await;
}
