//! A nats-server that demands credentials: a JWT of an account and the NKey of its user.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use async_nats::ConnectOptions;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::{Value, json};
use wallet_server::{Config, NatsConfig};

use super::stream::{SHORT, until};
use super::{create, wait_for};
use crate::harness::{Database, Nats, Server};

/// The permissions that docs/nats.md demands.
const PUBLISH: [&str; 3] = ["wallet.>", "$JS.API.STREAM.INFO.WALLET", "$JS.API.STREAM.MSG.GET.WALLET"];
const SUBSCRIBE: [&str; 1] = ["_INBOX.>"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_are_published_with_a_jwt_that_has_the_documented_permissions_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let (operator, account, system) =
        (KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_account());
    let server = nats_server(folder.path(), &operator, &account, &system).await;
    let everything = json!({ "pub": {}, "sub": {} });
    let admin = credentials(folder.path(), "admin", &account, &everything);
    let least = json!({ "pub": { "allow": PUBLISH }, "sub": { "allow": SUBSCRIBE } });
    let wallet = credentials(folder.path(), "wallet", &account, &least);
    let stranger = credentials(folder.path(), "stranger", &KeyPair::new_account(), &least);
    let without_stream = json!({ "pub": { "allow": PUBLISH[..1] }, "sub": { "allow": SUBSCRIBE } });
    let limited = credentials(folder.path(), "limited", &account, &without_stream);

    let options = ConnectOptions::with_credentials_file(admin).await.unwrap();
    let context = create(options.connect(server.url()).await.unwrap(), SHORT).await;
    let config = |credentials_file: PathBuf| {
        let (servers, stream) = (vec![server.url()], "WALLET".to_owned());
        let nats = NatsConfig { servers, stream, credentials_file: Some(credentials_file), ca_file: None };
        Config { nats: Some(nats), ..Config::default() }
    };
    let mut database = Database::sqlite();
    for refused in [stranger, limited] {
        let server = Server::start_with(database, config(refused)).await;
        server.wallet("ann", 0).await;
        until(&server, |lag, failures, published| lag == 1 && failures > 0 && published == 0).await;
        database = server.database.clone();
        server.stop().await;
    }
    let server = Server::start_with(database, config(wallet)).await;
    wait_for(&context, 1).await;
    until(&server, |lag, _, published| lag == 0 && published == 1).await;
}

/// Starts a nats-server that trusts the operator and has both accounts.
async fn nats_server(folder: &Path, operator: &KeyPair, account: &KeyPair, system: &KeyPair) -> Nats {
    let of_operator = jwt(operator, operator, &json!({ "type": "operator", "version": 2 }));
    let no_limits = json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1,
        "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1,
    });
    let of_account = jwt(operator, account, &json!({ "type": "account", "version": 2, "limits": no_limits }));
    // JetStream is not allowed in the account of the system.
    let of_system = jwt(operator, system, &json!({ "type": "account", "version": 2 }));
    let config = format!(
        "operator: {of_operator}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{\n  {}: {of_account}\n  {}: \
         {of_system}\n}}\n",
        system.public_key(),
        account.public_key(),
        system.public_key()
    );
    let file = folder.join("nats.conf");
    std::fs::write(&file, config).unwrap();
    Nats::start_with(&["--config", file.to_str().unwrap()]).await
}

/// Writes the credentials of a new user of an account.
fn credentials(folder: &Path, name: &str, account: &KeyPair, permissions: &Value) -> PathBuf {
    let user = KeyPair::new_user();
    let mut claims = json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1 });
    for side in ["pub", "sub"] {
        claims[side] = permissions[side].clone();
    }
    let mut text = String::new();
    for (kind, value) in
        [("NATS USER JWT", jwt(account, &user, &claims)), ("USER NKEY SEED", user.seed().unwrap())]
    {
        writeln!(text, "-----BEGIN {kind}-----\n{value}\n------END {kind}------\n").unwrap();
    }
    let file = folder.join(format!("{name}.creds"));
    std::fs::write(&file, text).unwrap();
    file
}

/// Returns a JWT by which one key says something about another.
fn jwt(issuer: &KeyPair, subject: &KeyPair, claims: &Value) -> String {
    let claims = json!({
        "jti": subject.public_key(),
        "iat": 1_767_225_600,
        "iss": issuer.public_key(),
        "sub": subject.public_key(),
        "name": "test",
        "nats": claims,
    });
    let encode = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(&json!({ "typ": "JWT", "alg": "ed25519-nkey" })), encode(&claims));
    let signature = issuer.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}
