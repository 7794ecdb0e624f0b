//! RevokeGrant: claws back the unspent credits of a grant. Held ones are revoked when they return.

use crate::command::{Context, Subject, Verdict};
use crate::decide::update_wallet::made_before;
use crate::decision::Decision;
use crate::entry::EntryKind;
use crate::fingerprint::Fingerprint;
use crate::grant::{GrantKey, TakenBack};
use crate::ids::RequestId;
use crate::posting::Part;
use crate::rejection::Rejection;
use crate::wallet::Wallet;

/// The command that claws a grant back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeGrant {
    /// The idempotency key.
    pub request: RequestId,
    pub grant: GrantKey,
    /// Recorded in the entry.
    pub reason: String,
}

/// Decides a [`RevokeGrant`].
pub fn revoke_grant(
    wallet: &Wallet,
    context: &Context<'_>,
    revoke: &RevokeGrant,
) -> Result<Verdict, Rejection> {
    let fingerprint = Fingerprint::default().with("grant_id", Some(&revoke.grant));
    let subject = Subject::Grants(vec![revoke.grant.clone()]);
    if made_before(wallet, &revoke.request, EntryKind::GrantRevoked, &fingerprint)? {
        return Ok(Verdict::replay(subject));
    }
    let grant = wallet.grants.get(&revoke.grant).ok_or(Rejection::GrantNotFound)?;
    let mut decision = Decision::of(EntryKind::GrantRevoked, context.now).because(&revoke.reason);
    for (part, amount) in [(Part::Available, grant.parts.available), (Part::Pending, grant.parts.pending)] {
        decision.move_in_grant(&grant.key, &grant.unit, part, Part::Revoked, amount);
    }
    decision.taken_back.push((grant.key.clone(), TakenBack::Revoked));
    decision.request = Some((revoke.request.clone(), fingerprint));
    Ok(Verdict::new(decision, subject))
}
