//! RevokeGrant: claws back the unspent credits of a grant. Held ones are revoked when they return. A grant that is
//! charged back stays revoked if the dispute is won.

use crate::decide::context::Context;
use crate::decide::decision::{Change, Decision};
use crate::decide::read_set::ReadSet;
use crate::decide::replay::{replay_of_request, with_request};
use crate::decide::verdict::Verdict;
use crate::decide::wallet_command::WalletCommand;
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::Part;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::RequestId;
use crate::view::views::GrantView;
use crate::wallet::Wallet;
use crate::wallet::grant::{Clawback, GrantKey};
use crate::wallet::rejection::Rejection;

/// The command that claws a grant back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeGrant {
    /// The idempotency key.
    pub request: RequestId,
    pub grant: GrantKey,
    /// Recorded in the entry.
    pub reason: String,
}

impl WalletCommand for RevokeGrant {
    type View = GrantView;

    fn read_set(&self) -> ReadSet {
        ReadSet { grants: Some(self.grant.clone()), ..ReadSet::default() }
    }

    fn request_id(&self) -> Option<&RequestId> {
        Some(&self.request)
    }

    fn decide(&self, wallet: &Wallet, context: &Context<'_>) -> Result<Verdict<GrantKey>, Rejection> {
        let fingerprint = Fingerprint::default().with("grant_id", Some(&self.grant));
        if replay_of_request(wallet, &self.request, EntryKind::GrantRevoked, &fingerprint)? {
            return Ok(Verdict::replay(self.grant.clone()));
        }
        let grant = wallet.grants.get(&self.grant).ok_or(Rejection::GrantNotFound)?;
        let mut decision = Decision::of(EntryKind::GrantRevoked, context.now).because(&self.reason);
        for (part, amount) in [(Part::Available, grant.parts.available), (Part::Pending, grant.parts.pending)]
        {
            decision.move_in_grant(&grant.key, &grant.unit, part, Part::Revoked, amount);
        }
        decision.clawback.push((grant.key.clone(), Clawback::Revoked));
        // A chargeback that is withdrawn later does not return what the platform revoked.
        if grant.clawback == Some(Clawback::ChargedBack) {
            let mut change = Change::none(wallet);
            let chargeback =
                grant.paid_with().and_then(|payment| change.profile.chargebacks.get_mut(&payment));
            if let Some(chargeback) = chargeback {
                chargeback.others.entry(grant.key.clone()).or_insert(Clawback::Revoked);
                decision.change = Some(change);
            }
        }
        Ok(Verdict::new(with_request(decision, &self.request, fingerprint), self.grant.clone()))
    }
}
