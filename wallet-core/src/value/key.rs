//! Where a wallet's rows live: a key computed from the tenant and the platform's id, without a lookup.

use uuid::Uuid;

use crate::value::ids::WalletId;

/// How many buckets wallets are spread over; a bucket is the unit of sharding.
pub const BUCKETS: i16 = 64;

/// One platform. Comes from the caller's credential, never from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(pub Uuid);

impl TenantId {
    /// The tenant of callers without an API key.
    pub const DEFAULT: TenantId = TenantId(Uuid::from_u128(0x0c4e_d175_0000_4000_8000_0000_0000_0001));
}

/// The primary key of everything that belongs to a wallet.
///
/// The order (bucket first) is the order in which locks are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WalletKey {
    bucket: i16,
    uuid: Uuid,
}

impl WalletKey {
    /// The key of a tenant's wallet: UUIDv5 of the id in the tenant's namespace.
    pub fn new(tenant: TenantId, wallet: &WalletId) -> Self {
        Self::from_uuid(Uuid::new_v5(&tenant.0, wallet.as_str().as_bytes()))
    }

    /// The key with this UUID.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self { bucket: i16::from(uuid.as_bytes()[0] >> 2), uuid }
    }

    /// The first six bits of the key: 0 to 63.
    pub const fn bucket(self) -> i16 {
        self.bucket
    }

    /// The key itself.
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_depends_on_tenant_and_id_and_falls_into_a_bucket() {
        let id = WalletId::parse("w1").unwrap();
        let key = WalletKey::new(TenantId::DEFAULT, &id);
        assert_eq!(key, WalletKey::new(TenantId::DEFAULT, &id));
        assert_ne!(key, WalletKey::new(TenantId(Uuid::nil()), &id));
        assert!((0..BUCKETS).contains(&key.bucket()));
    }
}
