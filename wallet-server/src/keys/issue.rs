//! Issues, replaces and revokes keys. Every change is recorded in the audit by its own transaction.

use std::time::Duration;

use thiserror::Error;
use wallet_core::{Author, TenantId, Timestamp};

use crate::clock::Clock;
use crate::keys::{ApiKey, CallRate, KeyId, Mode, Pepper, Scope, Scopes};
use crate::store::{Change, ControlTx, KeyRow, Store, StoreError};

/// The action of the audit for a key that was replaced. The details name its successor: "by KEY_ID, expires TIME".
const REPLACE: &str = "key.replace";

/// Issues and revokes keys. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    /// `None`: no keys can be issued.
    pub(crate) pepper: Option<Pepper>,
}

/// A key to issue.
#[derive(Debug, Clone)]
pub(crate) struct NewKey {
    pub(crate) tenant: TenantId,
    /// The name for people, such as "gpu workers".
    pub(crate) name: String,
    pub(crate) scopes: Scopes,
    pub(crate) expire_time: Timestamp,
    /// `None`: the rate that the server allows to every key.
    pub(crate) rate: Option<CallRate>,
}

/// A new key.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) key: ApiKey,
    pub(crate) info: KeyInfo,
}

/// The result of a replacement.
#[derive(Debug)]
pub(crate) struct Rotated {
    pub(crate) new: Issued,
    pub(crate) replaced: KeyInfo,
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyInfo {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) scopes: Scopes,
    pub(crate) create_time: Timestamp,
    pub(crate) expire_time: Timestamp,
    pub(crate) revoke_time: Timestamp,
    pub(crate) rate: Option<CallRate>,
}

/// The result of a revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revoked {
    pub(crate) info: KeyInfo,
    /// True if the key was revoked before.
    pub(crate) unchanged: bool,
}

/// The reason why no key is issued.
#[derive(Debug, Error)]
pub(crate) enum IssueError {
    /// There is no pepper.
    #[error("the server has no pepper for API keys; start it with --key-pepper-file")]
    NoPepper,
    /// The tenant has no key with this id.
    #[error("there is no key {0}; ListKeys and `keys list` show all")]
    NoKey(KeyId),
    /// The key to be replaced is revoked or expired.
    #[error("key {0} is revoked or expired; create a new key instead")]
    Ended(KeyId),
    /// The key to be replaced has a successor.
    #[error(
        "key {key} was replaced by key {successor}; rotate that one, which ListKeys and `keys list` show"
    )]
    Replaced { key: KeyId, successor: String },
    /// A key of this tenant cannot have the scope.
    #[error("only a key of the tenant default can have the scope {}", .0.name())]
    Scope(Scope),
    /// The key to be replaced has a scope that its replacer lacks.
    #[error("the key has the scope {}, which its replacer lacks", .0.name())]
    Beyond(Scope),
    /// The key would be expired from the beginning.
    #[error("the key would expire at {0}, which is not in the future")]
    Past(Timestamp),
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    Randomness(#[from] getrandom::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl KeyInfo {
    /// Returns whether the key can be used at this time. A revocation counts regardless of its time: the clock that it
    /// was made by may be ahead.
    pub(crate) fn is_usable(&self, now: Timestamp) -> bool {
        now < self.expire_time && self.revoke_time == Timestamp::NEVER
    }
}

impl TryFrom<KeyRow> for KeyInfo {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self, StoreError> {
        let rate = CallRate::stored(row.calls_per_second, row.calls_burst)
            .ok_or_else(|| StoreError::corrupt(format!("key {} has a rate out of bounds", row.key_id)))?;
        let KeyRow { key_id: id, name, scopes, create_time, expire_time, revoke_time, .. } = row;
        let [create_time, expire_time, revoke_time] =
            [create_time, expire_time, revoke_time].map(Timestamp::from_micros);
        let scopes = scopes.parse().map_err(|error| StoreError::corrupt(format!("key {id}: {error}")))?;
        Ok(Self { id, name, scopes, create_time, expire_time, revoke_time, rate })
    }
}

impl Keys {
    /// Issues a key. Its secret is in the result and nowhere else.
    pub(crate) async fn issue(&self, issue: NewKey, author: &Author) -> Result<Issued, IssueError> {
        let (key, row) = self.draw(&issue, self.mode(issue.tenant).await?)?;
        let mut details = format!("{}: {}, expires {}", issue.name, issue.scopes, issue.expire_time);
        if let Some(rate) = issue.rate {
            details += &format!(", {rate}");
        }
        let change = Change { action: "key.create", subject: row.key_id.clone(), details };
        let change = change.row(issue.tenant, author, Timestamp::from_micros(row.create_time));
        let transaction = self.store.begin_control().await?;
        transaction.insert_key(row.clone()).await?;
        transaction.commit(change).await?;
        Ok(Issued { key, info: row.try_into()? })
    }

    /// Replaces a key, whose scopes must be among `allowed`, by one with the same name, scopes, rate and expiry. The
    /// old one expires after the overlap, unless it expires earlier. A key is replaced once: its expiry is then that of
    /// the overlap, and a second successor would end with it.
    pub(crate) async fn rotate(
        &self,
        tenant: TenantId,
        old: &KeyId,
        overlap: Duration,
        allowed: Scopes,
        author: &Author,
    ) -> Result<Rotated, IssueError> {
        let mode = self.mode(tenant).await?;
        let now = self.clock.now();
        let transaction = self.store.begin_control().await?;
        let mut row = found(&transaction, tenant, old).await?;
        if let Some(change) = transaction.change_of_key(tenant, REPLACE, old.as_str()).await? {
            let successor = successor(&change.details).to_owned();
            return Err(IssueError::Replaced { key: old.clone(), successor });
        }
        let info = KeyInfo::try_from(row.clone())?;
        if !info.is_usable(now) {
            return Err(IssueError::Ended(old.clone()));
        }
        if let Some(scope) = info.scopes.beyond(allowed) {
            return Err(IssueError::Beyond(scope));
        }
        let KeyInfo { name, scopes, expire_time, rate, .. } = info;
        let issue = NewKey { tenant, name, scopes, expire_time, rate };
        let (key, new) = self.draw(&issue, mode)?;
        row.expire_time = row.expire_time.min(now.plus(overlap).as_micros());
        transaction.end_key(&row).await?;
        transaction.insert_key(new.clone()).await?;
        let details = format!("by {}, expires {}", new.key_id, Timestamp::from_micros(row.expire_time));
        let change = Change { action: REPLACE, subject: old.to_string(), details };
        transaction.commit(change.row(tenant, author, now)).await?;
        Ok(Rotated { new: Issued { key, info: new.try_into()? }, replaced: row.try_into()? })
    }

    /// Revokes a key. A revoked key is refused within 5 seconds by every server.
    pub(crate) async fn revoke(
        &self,
        tenant: TenantId,
        id: &KeyId,
        author: &Author,
    ) -> Result<Revoked, IssueError> {
        let now = self.clock.now();
        let transaction = self.store.begin_control().await?;
        let mut row = found(&transaction, tenant, id).await?;
        if row.revoke_time != Timestamp::NEVER.as_micros() {
            return Ok(Revoked { info: row.try_into()?, unchanged: true });
        }
        row.revoke_time = now.as_micros();
        transaction.end_key(&row).await?;
        let change = Change { action: "key.revoke", subject: id.to_string(), details: row.name.clone() };
        transaction.commit(change.row(tenant, author, now)).await?;
        Ok(Revoked { info: row.try_into()?, unchanged: false })
    }

    /// Returns a key that can be used.
    pub(crate) async fn usable(&self, tenant: TenantId, id: &KeyId) -> Result<KeyInfo, IssueError> {
        let stored = self.store.key(id.as_str()).await?.filter(|(row, _)| row.tenant == tenant.0);
        let (row, _) = stored.ok_or_else(|| IssueError::NoKey(id.clone()))?;
        let info = KeyInfo::try_from(row)?;
        if info.is_usable(self.clock.now()) { Ok(info) } else { Err(IssueError::Ended(id.clone())) }
    }

    async fn mode(&self, tenant: TenantId) -> Result<Mode, StoreError> {
        let row = self.store.tenant(tenant).await?;
        let row = row.ok_or_else(|| StoreError::corrupt("the tenant of the caller is missing"))?;
        Ok(Mode::of(&row))
    }

    /// Draws a key and makes its row.
    fn draw(&self, issue: &NewKey, mode: Mode) -> Result<(ApiKey, KeyRow), IssueError> {
        let pepper = self.pepper.as_ref().ok_or(IssueError::NoPepper)?;
        if let Some(scope) = issue.scopes.beyond(issue.scopes.within(issue.tenant)) {
            return Err(IssueError::Scope(scope));
        }
        let now = self.clock.now();
        if issue.expire_time <= now {
            return Err(IssueError::Past(issue.expire_time));
        }
        let key = ApiKey::generate(mode)?;
        let row = KeyRow {
            key_id: key.id.to_string(),
            tenant: issue.tenant.0,
            name: issue.name.clone(),
            scopes: issue.scopes.to_string(),
            mac: pepper.mac(&key).to_vec(),
            create_time: now.as_micros(),
            expire_time: issue.expire_time.as_micros(),
            revoke_time: Timestamp::NEVER.as_micros(),
            calls_per_second: issue.rate.map_or(0, |rate| rate.per_second.get().into()),
            calls_burst: issue.rate.map_or(0, |rate| rate.burst.get().into()),
        };
        Ok((key, row))
    }
}

/// Returns the id of the new key from the details of a replacement.
fn successor(details: &str) -> &str {
    let details = details.strip_prefix("by ").unwrap_or(details);
    details.split_once(',').map_or(details, |(id, _)| id)
}

/// Locks a key, so that it is replaced and revoked in turn, and returns it.
async fn found(transaction: &ControlTx, tenant: TenantId, id: &KeyId) -> Result<KeyRow, IssueError> {
    transaction.locked_key(tenant, id.as_str()).await?.ok_or_else(|| IssueError::NoKey(id.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::Postgres;

    async fn given() -> (Keys, KeyId) {
        let store = Store::open(&Postgres::shared().create_database()).await.unwrap();
        store.migrate().await.unwrap();
        let keys = Keys { store, clock: Clock::system(), pepper: Some(Pepper::new(&[b'p'; 32]).unwrap()) };
        let (tenant, name, scopes) = (TenantId::DEFAULT, "k".to_owned(), "read".parse().unwrap());
        let issue = NewKey { tenant, name, scopes, expire_time: Timestamp::NEVER, rate: None };
        let key = keys.issue(issue, &Author::system()).await.unwrap().key.id;
        (keys, key)
    }

    /// Ends a key, and commits when another transaction waits for its row.
    async fn end_when_awaited(keys: &Keys, ended: ControlTx, key: &KeyId, action: &'static str) {
        keys.store.lock_awaited().await;
        let change =
            Change { action, subject: key.to_string(), details: "by 0123456789, expires".to_owned() };
        ended.commit(change.row(TenantId::DEFAULT, &Author::system(), keys.clock.now())).await.unwrap();
    }

    #[tokio::test]
    async fn a_key_that_is_revoked_meanwhile_gets_no_successor() {
        let (keys, key) = given().await;
        let (tenant, hour, author) = (TenantId::DEFAULT, Duration::from_secs(3_600), Author::system());
        let revoking = keys.store.begin_control().await.unwrap();
        let mut row = found(&revoking, tenant, &key).await.unwrap();
        row.revoke_time = keys.clock.now().as_micros();
        revoking.end_key(&row).await.unwrap();
        let (rotated, ()) = tokio::join!(
            keys.rotate(tenant, &key, hour, Scopes::all(), &author),
            end_when_awaited(&keys, revoking, &key, "key.revoke"),
        );
        assert!(matches!(rotated, Err(IssueError::Ended(_))), "{rotated:?}");
        assert_eq!(keys.store.keys(tenant, None, 10).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_key_that_is_replaced_meanwhile_is_revoked_and_not_replaced_again() {
        for again in [false, true] {
            let (keys, key) = given().await;
            let (tenant, hour, author) = (TenantId::DEFAULT, Duration::from_secs(3_600), Author::system());
            let replacing = keys.store.begin_control().await.unwrap();
            let mut row = found(&replacing, tenant, &key).await.unwrap();
            row.expire_time = keys.clock.now().plus(hour).as_micros();
            replacing.end_key(&row).await.unwrap();
            let committed = end_when_awaited(&keys, replacing, &key, REPLACE);
            if again {
                let rotate = keys.rotate(tenant, &key, hour * 2, Scopes::all(), &author);
                let (rotated, ()) = tokio::join!(rotate, committed);
                let Err(IssueError::Replaced { successor, .. }) = rotated else { panic!("{rotated:?}") };
                assert_eq!(successor, "0123456789");
            } else {
                let (revoked, ()) = tokio::join!(keys.revoke(tenant, &key, &author), committed);
                assert!(!revoked.unwrap().unchanged);
                assert!(keys.usable(tenant, &key).await.is_err(), "the revocation is stored");
            }
            assert_eq!(keys.store.keys(tenant, None, 10).await.unwrap().len(), 1);
        }
    }

    #[test]
    fn a_key_ends_at_its_expiry_and_with_any_revocation() {
        let at = Timestamp::from_micros;
        let key = |expire_time, revoke_time| KeyInfo {
            id: "0123456789".to_owned(),
            name: String::new(),
            scopes: Scopes::all(),
            create_time: at(1),
            expire_time,
            revoke_time,
            rate: None,
        };
        let never = Timestamp::NEVER;
        for (expire_time, revoke_time, usable) in [
            (never, never, true),
            (at(11), never, true),
            (at(10), never, false),
            (never, at(9), false),
            (never, at(99), false),
        ] {
            assert_eq!(
                key(expire_time, revoke_time).is_usable(at(10)),
                usable,
                "{expire_time} {revoke_time}"
            );
        }
    }
}
