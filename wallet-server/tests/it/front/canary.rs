//! The secret of a key and the signature of a wallet token appear in no line of the log and in no text of an error.

use tonic::transport::Endpoint;
use wallet_client::{ClientConfig, WalletClient, v1};

use crate::fuzz::raw;
use crate::harness::{Database, Front, Process, id_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_of_a_key_or_token_is_logged_or_sent_back() {
    let front = Front::new(Database::sqlite());
    let (key, revoked) = (front.key("default", "all"), front.key("default", "read"));
    front.cli(&["keys", "revoke", id_of(&revoked)]);
    let (pepper, everything) = (front.pepper_file(), [("WALLET_LOG", "trace")]);
    let arguments = ["--key-pepper-file", pepper.as_str()];
    let (mut server, log) = Process::start_logged_with(&front.database, &arguments, &everything);
    let client =
        WalletClient::connect(ClientConfig::new(server.endpoint()).api_key(key.as_str())).await.unwrap();
    client
        .create_wallet(v1::CreateWalletRequest { wallet_id: "w".into(), ..Default::default() })
        .await
        .unwrap();
    let made = client.create_key(v1::CreateKeyRequest::new("k", [v1::Scope::Read])).await.unwrap().secret;

    let request = v1::CreateWalletTokenRequest::new("w", [v1::Scope::Read]);
    let token = client.create_wallet_token(request).await.unwrap().token;
    let page =
        WalletClient::connect(ClientConfig::new(server.endpoint()).api_key(token.as_str())).await.unwrap();
    page.get_balance(v1::GetBalanceRequest::new("w")).await.unwrap();

    let mut secrets: Vec<String> =
        [&key, &revoked, &made].map(|key| key.split('_').nth(3).unwrap().to_owned()).into();
    // The content of a token is no secret; without its signature it is worth nothing.
    secrets.push(token.rsplit_once('.').unwrap().1.to_owned());
    let channel = Endpoint::from_shared(server.endpoint()).unwrap().connect().await.unwrap();
    let mut errors = String::new();
    for wrong in [
        format!("Bearer {revoked}"),
        format!("Bearer {made}"),
        format!("Bearer {}", &key[..key.len() - 1]),
        format!("Basic {key}"),
        key.clone(),
        format!("Bearer {token}"),
        format!("Bearer {token}x"),
        format!("Basic {token}"),
    ] {
        let path = "/wallet.v1.AdminService/CreateWallet";
        let refused = raw::call_with(&channel, path, Vec::new(), Some(&wrong)).await.unwrap_err();
        errors += &format!("{refused:?} {}", String::from_utf8_lossy(refused.details()));
    }
    server.stop();
    let log = log.join().unwrap();
    let [path, id] = ["/wallet.v1.AdminService/CreateWallet", id_of(&key)];
    assert!(
        log.lines().any(|line| line.contains(path) && line.contains(id)),
        "the log has the calls with their keys"
    );
    for secret in secrets {
        assert!(!errors.contains(&secret), "{errors}");
        let line = log.lines().find(|line| line.contains(&secret));
        assert!(line.is_none(), "{line:?}");
    }
    assert!(!log.contains(&"f".repeat(64)), "the pepper is logged");
}
