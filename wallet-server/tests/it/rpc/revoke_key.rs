//! RevokeKey: a revoked key is refused, and keys of other tenants are not found.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason, Scope};

use crate::harness::{Database, Front, id_of, with_key};
use crate::shorthand::{refused, violations};

async fn given(database: Database) {
    let front = Front::new(database);
    front.cli(&["tenants", "create", "other"]);
    let (first, foreign) = (front.key("default", "all"), front.key("other", "keys"));
    let server = front.serve().await;
    let client = with_key(&server, &first).await;
    let made = client.create_key(v1::CreateKeyRequest::new("a", [Scope::Read])).await.unwrap();
    let (id, reader) = (made.key.unwrap().key_id, with_key(&server, &made.secret).await);
    reader.list_wallets(v1::ListWalletsRequest::default()).await.unwrap();

    let revoked = client.revoke_key(v1::RevokeKeyRequest::new(&id)).await.unwrap();
    let (key, unchanged) = (revoked.key.unwrap(), revoked.unchanged);
    assert!(key.key_id == id && key.revoke_time.is_some() && !unchanged, "{key:?}");
    let refusal = reader.list_wallets(v1::ListWalletsRequest::default()).await;
    refused(refusal, ErrorReason::KeyInvalid, Code::Unauthenticated);
    let again = client.revoke_key(v1::RevokeKeyRequest::new(&id)).await.unwrap();
    assert_eq!((again.key, again.unchanged), (Some(key), true));

    for id in [id_of(&foreign), "0123456789"] {
        let missing = client.revoke_key(v1::RevokeKeyRequest::new(id)).await;
        refused(missing, ErrorReason::KeyNotFound, Code::NotFound);
    }
    let malformed = client.revoke_key(v1::RevokeKeyRequest::new("0123-56789")).await;
    assert_eq!(violations(malformed), ["key_id: is not the id of a key, which has 10 letters and digits"]);
    with_key(&server, &foreign).await.list_keys(v1::ListKeysRequest::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_refused_and_a_foreign_one_is_not_found_on_sqlite() {
    given(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_refused_and_a_foreign_one_is_not_found_on_postgres() {
    given(Database::postgres()).await;
}
