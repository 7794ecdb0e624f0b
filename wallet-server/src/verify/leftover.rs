//! Credits that an entry has left although it ends or opens a grant as a whole.

use wallet_core::entry::{Entry, EntryKind};
use wallet_core::posting::{Account, Part, Posting};

use crate::verify::faults::Faults;
use crate::verify::wallet::WalletFold;

impl WalletFold {
    /// Checks I2 after the postings of an entry: usable credits expire or are revoked together, pending credits come
    /// into effect together, and a closed wallet has none.
    pub(super) fn check_leftovers(&self, entry: &Entry, faults: &mut Faults) {
        for posting in &entry.postings {
            let Posting { account: Account::Grant(key), from, to, .. } = posting else { continue };
            let Some(grant) = self.grants.get(key) else { continue };
            let left = match (from, to) {
                (Part::Pending | Part::Available, Part::Expired | Part::Revoked) => grant.remainder().usable,
                (Part::Pending, Part::Available) => grant.part(Part::Pending),
                _ => 0,
            };
            faults.unless(left == 0, entry.revision, || {
                format!("I2: {left} of grant {key} are left, of which {} became {to:?}", posting.amount)
            });
        }
        if entry.kind == EntryKind::WalletClosed {
            for (key, grant) in &self.grants {
                let left = grant.remainder().usable;
                faults.unless(left == 0, entry.revision, || {
                    format!("I2: {left} of grant {key} are left in a wallet that is closed")
                });
            }
        }
    }
}
