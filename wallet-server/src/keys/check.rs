//! The check of the credential of a call, a key or a wallet token: text, stored key, expiry, tenant.
//!
//! Keys that exist are remembered for 5 seconds, which bounds the time until a revocation takes effect everywhere.
//! Ids that do not exist are remembered for a second, and unknown ids are looked up one at a time, so that guessing ids
//! neither floods the database nor displaces the keys in use. Callers that need the same key share a lookup.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use wallet_core::{Principal, TenantId, Timestamp, WalletId};

use crate::clock::Clock;
use crate::keys::wallet_token::TokenSigner;
use crate::keys::{ApiKey, CallRate, KeyId, KeyInfo, Pepper, Scopes, WalletToken};
use crate::store::{KeyRow, Store, StoreError, TenantRow};
use crate::tenants::is_suspended;

/// The time for which a key that exists is remembered.
const KNOWN_FOR: Duration = Duration::from_secs(5);
/// The time for which an id without a key is remembered.
const UNKNOWN_FOR: Duration = Duration::from_secs(1);
/// The most keys, and the most ids without a key, that are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();

/// The access that a valid key or wallet token gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) tenant: TenantId,
    /// The key; of a token, the one that made it.
    pub(crate) principal: Principal,
    pub(crate) credential: Credential,
    pub(crate) scopes: Scopes,
    /// The rate of the key; of a token, of the one that made it.
    pub(crate) rate: Option<CallRate>,
}

/// The credential of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    /// The key; of a token, the one that made it.
    pub(crate) key: KeyId,
    /// The wallet and the expiry of a token. `None`: the credential is the key itself.
    token: Option<(WalletId, Timestamp)>,
}

/// The reason why a key or a wallet token is refused.
#[derive(Debug)]
pub(crate) enum KeyError {
    /// The text is not a key, or its checksum is wrong.
    Malformed,
    /// The key does not exist, has another secret, is expired or is revoked, or the token was changed. Callers do not
    /// learn which.
    Invalid,
    /// The token is expired.
    TokenExpired,
    /// The tenant of the key is suspended.
    TenantSuspended,
    /// The database is unavailable.
    Store(StoreError),
}

/// Recognises keys and wallet tokens. Cheap to clone.
#[derive(Clone)]
pub(crate) struct KeyCheck(Arc<Shared>);

struct Shared {
    store: Store,
    clock: Clock,
    pepper: Pepper,
    tokens: TokenSigner,
    known: Mutex<LruCache<KeyId, Arc<KnownKey>>>,
    unknown: Mutex<LruCache<KeyId, Instant>>,
    unknown_lookups: Semaphore,
}

/// A key that exists, in memory.
#[derive(Debug, Default)]
struct KnownKey {
    found: Mutex<Option<Found>>,
    /// Held by the caller that looks the key up.
    lookup: tokio::sync::Mutex<()>,
}

/// A key as it was found.
#[derive(Debug, Clone)]
struct Found {
    key: Arc<StoredKey>,
    since: Instant,
}

/// A stored key, decoded.
#[derive(Debug)]
struct StoredKey {
    mac: [u8; 32],
    info: KeyInfo,
    access: Access,
    is_suspended: bool,
}

impl KeyCheck {
    pub(crate) fn new(store: Store, clock: Clock, pepper: Pepper) -> Self {
        Self(Arc::new(Shared {
            store,
            clock,
            tokens: TokenSigner::new(&pepper),
            pepper,
            known: Mutex::new(LruCache::new(REMEMBERED)),
            unknown: Mutex::new(LruCache::new(REMEMBERED)),
            unknown_lookups: Semaphore::new(1),
        }))
    }

    /// Returns the access that the key or the wallet token with this text gives.
    pub(crate) async fn access(&self, text: &str) -> Result<Access, KeyError> {
        self.access_at(text, Instant::now()).await
    }

    /// Returns the access of a key whose holder has proven itself by a certificate.
    pub(crate) async fn access_by_certificate(&self, key: &KeyId) -> Result<Access, KeyError> {
        let stored = self.usable(key, Instant::now()).await?;
        Ok(stored.access.clone())
    }

    /// Checks that a credential that was recognised before is still valid.
    pub(crate) async fn recheck(&self, credential: &Credential) -> Result<(), KeyError> {
        if let Some((_, expire_time)) = credential.token {
            self.unexpired(expire_time)?;
        }
        self.usable(&credential.key, Instant::now()).await?;
        Ok(())
    }

    /// Forgets a key, so that this server sees its revocation at once.
    pub(crate) fn forget(&self, id: &KeyId) {
        lock(&self.0.known).pop(id);
    }

    async fn access_at(&self, text: &str, now: Instant) -> Result<Access, KeyError> {
        if TokenSigner::is_token(text) {
            return self.token_access(text, now).await;
        }
        let key = ApiKey::parse(text).ok_or(KeyError::Malformed)?;
        let stored = self.stored(&key.id, now).await?.ok_or(KeyError::Invalid)?;
        let is_valid =
            self.0.pepper.recognises(&key, &stored.mac) && stored.info.is_usable(self.0.clock.now());
        match (is_valid, stored.is_suspended) {
            (false, _) => Err(KeyError::Invalid),
            (true, true) => Err(KeyError::TenantSuspended),
            (true, false) => Ok(stored.access.clone()),
        }
    }

    /// Returns the access that a wallet token gives. A forged or expired one costs no lookup.
    async fn token_access(&self, text: &str, now: Instant) -> Result<Access, KeyError> {
        let WalletToken { tenant, key, wallet, scopes, expire_time } = self.0.tokens.open(text)?;
        self.unexpired(expire_time)?;
        let stored = self.usable(&key, now).await?;
        if stored.access.tenant != tenant {
            return Err(KeyError::Invalid);
        }
        let credential = Credential { key, token: Some((wallet, expire_time)) };
        Ok(Access { credential, scopes, ..stored.access.clone() })
    }

    fn unexpired(&self, expire_time: Timestamp) -> Result<(), KeyError> {
        if self.0.clock.now() < expire_time { Ok(()) } else { Err(KeyError::TokenExpired) }
    }

    /// Returns the stored key with this id if it can be used.
    async fn usable(&self, id: &KeyId, now: Instant) -> Result<Arc<StoredKey>, KeyError> {
        match self.stored(id, now).await? {
            Some(stored) if stored.is_suspended => Err(KeyError::TenantSuspended),
            Some(stored) if stored.info.is_usable(self.0.clock.now()) => Ok(stored),
            _ => Err(KeyError::Invalid),
        }
    }

    /// Returns the stored key with this id, from memory if it is recent.
    async fn stored(&self, id: &KeyId, now: Instant) -> Result<Option<Arc<StoredKey>>, KeyError> {
        let known = lock(&self.0.known).get(id).cloned();
        let Some(known) = known else { return self.look_up_unknown(id, now).await };
        if let Some(key) = known.recent(now) {
            return Ok(Some(key));
        }
        let _turn = known.lookup.lock().await;
        if let Some(key) = known.recent(now) {
            return Ok(Some(key));
        }
        let key = self.look_up(id).await?;
        match &key {
            Some(key) => known.put(key, now),
            None => self.forget(id),
        }
        Ok(key)
    }

    /// Looks up a key that this server does not know.
    async fn look_up_unknown(&self, id: &KeyId, now: Instant) -> Result<Option<Arc<StoredKey>>, KeyError> {
        if self.is_unknown(id, now) {
            return Ok(None);
        }
        // The semaphore is never closed.
        let _turn = self.0.unknown_lookups.acquire().await.ok();
        let known = lock(&self.0.known).get(id).and_then(|known| known.recent(now));
        if known.is_some() || self.is_unknown(id, now) {
            return Ok(known);
        }
        let key = self.look_up(id).await?;
        match &key {
            Some(key) => {
                let known = KnownKey::default();
                known.put(key, now);
                lock(&self.0.known).put(id.clone(), Arc::new(known));
            }
            None => _ = lock(&self.0.unknown).put(id.clone(), now),
        }
        Ok(key)
    }

    fn is_unknown(&self, id: &KeyId, now: Instant) -> bool {
        lock(&self.0.unknown).get(id).is_some_and(|since| now < *since + UNKNOWN_FOR)
    }

    async fn look_up(&self, id: &KeyId) -> Result<Option<Arc<StoredKey>>, KeyError> {
        let found = self.0.store.key(id.as_str()).await.map_err(KeyError::Store)?;
        let stored = found.map(|(key, tenant)| StoredKey::new(id, key, &tenant)).transpose();
        stored.map(|stored| stored.map(Arc::new)).map_err(KeyError::Store)
    }
}

impl Credential {
    /// Returns the only wallet that the call may name. `None`: it may name any.
    pub(crate) fn wallet(&self) -> Option<&WalletId> {
        self.token.as_ref().map(|(wallet, _)| wallet)
    }
}

impl fmt::Debug for KeyCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCheck").finish_non_exhaustive()
    }
}

impl KnownKey {
    /// Returns the key, unless it was found too long ago.
    fn recent(&self, now: Instant) -> Option<Arc<StoredKey>> {
        let found = lock(&self.found).clone()?;
        (now < found.since + KNOWN_FOR).then_some(found.key)
    }

    fn put(&self, key: &Arc<StoredKey>, since: Instant) {
        *lock(&self.found) = Some(Found { key: Arc::clone(key), since });
    }
}

impl StoredKey {
    fn new(id: &KeyId, row: KeyRow, tenant: &TenantRow) -> Result<Self, StoreError> {
        let mac = row.mac.as_slice().try_into();
        let mac = mac.map_err(|_| StoreError::corrupt(format!("key {id} is not stored as 32 bytes")))?;
        let info = KeyInfo::try_from(row)?;
        let access = Access {
            tenant: TenantId(tenant.tenant),
            principal: id.principal(),
            credential: Credential { key: id.clone(), token: None },
            scopes: info.scopes.within(TenantId(tenant.tenant)),
            rate: info.rate,
        };
        Ok(Self { mac, info, access, is_suspended: is_suspended(tenant) })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use wallet_core::{Author, Timestamp};

    use super::*;
    use crate::keys::{Keys, Mode, NewKey};

    struct Given {
        keys: Keys,
        check: KeyCheck,
        now: Instant,
        _folder: tempfile::TempDir,
    }

    async fn given() -> Given {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}/wallet.db", folder.path().display())).await.unwrap();
        store.migrate().await.unwrap();
        let pepper = Pepper::new(&[b'p'; 32]).unwrap();
        let keys = Keys { store: store.clone(), clock: Clock::system(), pepper: Some(pepper.clone()) };
        let check = KeyCheck::new(store, Clock::system(), pepper);
        Given { keys, check, now: Instant::now(), _folder: folder }
    }

    impl Given {
        async fn key(&self) -> ApiKey {
            let scopes = "read".parse().unwrap();
            let (tenant, expire_time) = (TenantId::DEFAULT, Timestamp::NEVER);
            let issue = NewKey { tenant, name: "k".to_owned(), scopes, expire_time, rate: None };
            self.keys.issue(issue, &Author::system()).await.unwrap().key
        }

        async fn is_valid(&self, key: &ApiKey, after: Duration) -> bool {
            match self.check.access_at(key.secret_text(), self.now + after).await {
                Ok(access) => access.principal == key.id.principal(),
                Err(KeyError::Invalid) => false,
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    const MOMENT: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn a_revocation_by_another_server_takes_effect_within_five_seconds() {
        let given = given().await;
        let key = given.key().await;
        assert!(given.is_valid(&key, Duration::ZERO).await);
        given.keys.revoke(TenantId::DEFAULT, &key.id, &Author::system()).await.unwrap();
        assert!(given.is_valid(&key, KNOWN_FOR - MOMENT).await, "the key is remembered");
        assert!(!given.is_valid(&key, KNOWN_FOR).await);

        let own = given.key().await;
        assert!(given.is_valid(&own, Duration::ZERO).await);
        given.keys.revoke(TenantId::DEFAULT, &own.id, &Author::system()).await.unwrap();
        given.check.forget(&own.id);
        assert!(!given.is_valid(&own, MOMENT).await, "this server sees its own revocation at once");
    }

    #[tokio::test]
    async fn a_token_ends_with_its_key_within_five_seconds_and_belongs_to_its_tenant() {
        let given = given().await;
        let key = given.key().await;
        let token = |tenant, expire_time| {
            let (wallet, scopes) = ("w".parse().unwrap(), "read".parse().unwrap());
            given
                .keys
                .sign(&WalletToken { tenant, key: key.id.clone(), wallet, scopes, expire_time })
                .unwrap()
        };
        let own = token(TenantId::DEFAULT, Timestamp::NEVER);
        let access = given.check.access_at(&own, given.now).await.unwrap();
        assert_eq!((access.principal, access.scopes.to_string().as_str()), (key.id.principal(), "read"));
        assert_eq!(access.credential.wallet().unwrap().as_str(), "w");
        given.check.recheck(&access.credential).await.unwrap();
        let foreign = token(TenantId(uuid::Uuid::nil()), Timestamp::NEVER);
        assert!(matches!(given.check.access_at(&foreign, given.now).await, Err(KeyError::Invalid)));
        let late = token(TenantId::DEFAULT, given.keys.clock.now());
        assert!(matches!(given.check.access_at(&late, given.now).await, Err(KeyError::TokenExpired)));

        given.keys.revoke(TenantId::DEFAULT, &key.id, &Author::system()).await.unwrap();
        let remembered = given.now + KNOWN_FOR - MOMENT;
        assert!(given.check.access_at(&own, remembered).await.is_ok(), "the key is remembered");
        assert!(matches!(given.check.access_at(&own, given.now + KNOWN_FOR).await, Err(KeyError::Invalid)));
        given.check.forget(&key.id);
        assert!(matches!(given.check.recheck(&access.credential).await, Err(KeyError::Invalid)));
    }

    #[tokio::test]
    async fn unknown_ids_are_remembered_for_a_second_and_displace_no_key() {
        let given = given().await;
        let known = given.key().await;
        assert!(given.is_valid(&known, Duration::ZERO).await);
        let stranger = ApiKey::generate(Mode::Live).unwrap();
        assert!(!given.is_valid(&stranger, Duration::ZERO).await);
        let mac = given.check.0.pepper.mac(&stranger).to_vec();
        let mut row = given.keys.store.key(known.id.as_str()).await.unwrap().unwrap().0;
        (row.key_id, row.mac) = (stranger.id.to_string(), mac);
        let control = given.keys.store.begin_control().await.unwrap();
        control.insert_key(row).await.unwrap();
        let change =
            crate::store::Change { action: "key.create", subject: String::new(), details: String::new() };
        let now = given.keys.clock.now();
        control.commit(change.row(TenantId::DEFAULT, &Author::system(), now)).await.unwrap();
        assert!(!given.is_valid(&stranger, UNKNOWN_FOR - MOMENT).await, "the id is remembered as unknown");
        assert!(given.is_valid(&stranger, UNKNOWN_FOR).await);

        for n in 0..REMEMBERED.get() + 10 {
            let id = KeyId::parse(&format!("{n:010}")).unwrap();
            assert!(given.check.stored(&id, given.now).await.unwrap().is_none());
        }
        assert_eq!(lock(&given.check.0.unknown).len(), REMEMBERED.get());
        assert!(lock(&given.check.0.known).contains(&known.id));
    }

    #[tokio::test]
    async fn a_malformed_key_and_a_forged_token_are_refused_without_the_database() {
        let folder = tempfile::tempdir().unwrap();
        // A database without tables fails every query.
        let store = Store::open(&format!("sqlite://{}/wallet.db", folder.path().display())).await.unwrap();
        let check = KeyCheck::new(store, Clock::system(), Pepper::new(&[b'p'; 32]).unwrap());
        let key = ApiKey::generate(Mode::Live).unwrap();
        let text = key.secret_text();
        assert!(matches!(check.access(text).await, Err(KeyError::Store(_))));
        let typo = if text.ends_with('0') { "1" } else { "0" };
        for wrong in ["", "cw_live_", &format!("{}{typo}", &text[..text.len() - 1])] {
            assert!(matches!(check.access(wrong).await, Err(KeyError::Malformed)), "{wrong}");
        }
        let signed = TokenSigner::new(&Pepper::new(&[b'q'; 32]).unwrap()).sign(&WalletToken {
            tenant: TenantId::DEFAULT,
            key: key.id.clone(),
            wallet: "w".parse().unwrap(),
            scopes: "read".parse().unwrap(),
            expire_time: Timestamp::NEVER,
        });
        assert!(matches!(check.access(&signed).await, Err(KeyError::Invalid)), "signed by another pepper");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn callers_of_the_same_key_share_a_lookup() {
        let given = given().await;
        let key = given.key().await;
        assert!(given.is_valid(&key, Duration::ZERO).await);
        let known = lock(&given.check.0.known).get(&key.id).cloned().unwrap();
        // While one caller looks the key up, others wait for it instead of the database.
        let turn = known.lookup.lock().await;
        let (check, text, late) = (given.check.clone(), key.secret_text().to_owned(), given.now + KNOWN_FOR);
        let waiting = tokio::spawn(async move { check.access_at(&text, late).await });
        tokio::task::yield_now().await;
        let stored = known.recent(given.now).unwrap();
        known.put(&stored, late);
        given.keys.revoke(TenantId::DEFAULT, &key.id, &Author::system()).await.unwrap();
        drop(turn);
        assert!(waiting.await.unwrap().is_ok(), "the lookup of the other caller is the answer");
    }
}
