//! ListKeys: the keys of a tenant in pages, without their secrets.

use wallet_client::v1::{self, Scope};

use crate::harness::{Database, Front, id_of, with_key};

async fn given(database: Database) {
    let front = Front::new(database);
    front.cli(&["tenants", "create", "other"]);
    let (first, foreign) = (front.key("default", "all"), front.key("other", "keys"));
    let server = front.serve().await;
    let client = with_key(&server, &first).await;
    let mut expected = vec![id_of(&first).to_owned()];
    for name in ["a", "b"] {
        let made = client.create_key(v1::CreateKeyRequest::new(name, [Scope::Read])).await.unwrap();
        expected.push(made.key.unwrap().key_id);
    }
    expected.sort();
    let page = client.list_keys(v1::ListKeysRequest::new().with_page_size(2)).await.unwrap();
    let rest = v1::ListKeysRequest::new().with_page_token(&page.next_page_token);
    let rest = client.list_keys(rest).await.unwrap();
    assert_eq!(rest.next_page_token, "");
    let listed: Vec<String> = page.keys.iter().chain(&rest.keys).map(|key| key.key_id.clone()).collect();
    assert_eq!(listed, expected);

    let other = with_key(&server, &foreign).await;
    let own = other.list_keys(v1::ListKeysRequest::new()).await.unwrap().keys;
    assert_eq!(own.iter().map(|key| key.key_id.as_str()).collect::<Vec<_>>(), [id_of(&foreign)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_tenant_lists_its_own_keys_in_pages_on_sqlite() {
    given(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_tenant_lists_its_own_keys_in_pages_on_postgres() {
    given(Database::postgres()).await;
}
