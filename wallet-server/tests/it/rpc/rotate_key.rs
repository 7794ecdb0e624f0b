//! RotateKey: a new key in place of an old one, which stays valid for the overlap.

use std::time::Duration;

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason, Scope};

use crate::harness::{Database, Front, id_of, with_key};
use crate::shorthand::{later, refused, violations};

async fn given(database: Database) {
    let front = Front::new(database);
    front.cli(&["tenants", "create", "other"]);
    let (first, foreign) = (front.key("default", "all"), front.key("other", "read"));
    let narrow = front.key("default", "keys");
    let server = front.serve().await;
    let client = with_key(&server, &first).await;
    let asked = v1::CreateKeyRequest::new("gpu workers", [Scope::Read]).with_rate(900, 1_000);
    let old = client.create_key(asked).await.unwrap();
    let (old_key, now) = (old.key.clone().unwrap(), old.key.unwrap().create_time);

    let hour = v1::RotateKeyRequest::new(&old_key.key_id).with_overlap(Duration::from_secs(3_600));
    let rotated = client.rotate_key(hour).await.unwrap();
    let (new, replaced) = (rotated.key.unwrap(), rotated.replaced.unwrap());
    let same =
        |key: &v1::ApiKey| (key.name.clone(), key.scopes.clone(), key.calls_per_second, key.calls_burst);
    assert_eq!((same(&new), new.expire_time), (same(&old_key), None));
    assert_eq!(replaced, v1::ApiKey { expire_time: later(now, 3_600), ..old_key.clone() });

    // The reply may be lost, and the old key ends with the overlap. A second successor would end then, too.
    let again = client.rotate_key(v1::RotateKeyRequest::new(&old_key.key_id)).await;
    let again = refused(again, ErrorReason::KeyNotFound, Code::NotFound).message;
    let (id, next) = (&old_key.key_id, &new.key_id);
    assert!(again.starts_with(&format!("key {id} was replaced by key {next}; rotate that one")), "{again}");
    let successor = client.rotate_key(v1::RotateKeyRequest::new(next)).await.unwrap();
    assert_eq!(successor.key.unwrap().expire_time, None);

    let (old, new) = (with_key(&server, &old.secret).await, with_key(&server, &rotated.secret).await);
    for key in [&old, &new] {
        key.list_wallets(v1::ListWalletsRequest::default()).await.unwrap();
    }
    client.advance_clock(v1::AdvanceClockRequest::by(Duration::from_secs(3_600))).await.unwrap();
    let late = old.list_wallets(v1::ListWalletsRequest::default()).await;
    refused(late, ErrorReason::KeyInvalid, Code::Unauthenticated);
    new.list_wallets(v1::ListWalletsRequest::default()).await.unwrap();

    // A replacement gives no more scopes than its caller has.
    let narrow = with_key(&server, &narrow).await;
    let beyond = narrow.rotate_key(v1::RotateKeyRequest::new(id_of(&first))).await;
    let beyond = refused(beyond, ErrorReason::ScopeMissing, Code::PermissionDenied);
    assert_eq!(beyond.metadata["scope"], "estimate");
    let mut answers = Vec::new();
    for id in [id_of(&foreign), "0123456789", old_key.key_id.as_str()] {
        let gone = client.rotate_key(v1::RotateKeyRequest::new(id)).await;
        answers.push(refused(gone, ErrorReason::KeyNotFound, Code::NotFound).message.replace(id, "ID"));
    }
    assert_eq!(answers[0], answers[1], "a key of another tenant is answered like a missing one");
    let long = v1::RotateKeyRequest::new(id_of(&first)).with_overlap(Duration::from_secs(367 * 86_400));
    assert_eq!(
        violations(client.rotate_key(long).await),
        ["overlap: is 31708800s, 0 to 31622400s is allowed"]
    );
    assert!(server.verify().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_key_is_valid_until_the_overlap_ends_on_sqlite() {
    given(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_key_is_valid_until_the_overlap_ends_on_postgres() {
    given(Database::postgres()).await;
}
