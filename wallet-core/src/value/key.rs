//! The key of a wallet's rows, computed from the tenant and the platform's id without a lookup.

use uuid::Uuid;

use crate::value::ids::WalletId;

/// The number of buckets. Wallets are spread over them, and a bucket is the unit of sharding.
pub const BUCKETS: i16 = 64;

/// The id of a platform. It comes from the caller's credential, never from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(pub Uuid);

impl TenantId {
    /// The tenant of callers without an API key.
    pub const DEFAULT: TenantId = TenantId(Uuid::from_u128(0x0c4e_d175_0000_4000_8000_0000_0000_0001));
}

/// The primary key of everything that belongs to a wallet.
///
/// Keys are ordered by bucket, then by UUID. Locks are taken in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WalletKey {
    bucket: i16,
    uuid: Uuid,
}

impl WalletKey {
    /// Returns the key of a tenant's wallet: the UUIDv5 of the wallet id in the tenant's namespace.
    pub fn new(tenant: TenantId, wallet: &WalletId) -> Self {
        Self::from_uuid(Uuid::new_v5(&tenant.0, wallet.as_str().as_bytes()))
    }

    /// Returns the key with this UUID. The bucket is the first six bits.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self { bucket: i16::from(uuid.as_bytes()[0] >> 2), uuid }
    }

    /// Returns the bucket, 0 to 63.
    pub const fn bucket(self) -> i16 {
        self.bucket
    }

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
