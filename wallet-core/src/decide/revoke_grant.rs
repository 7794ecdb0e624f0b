//! RevokeGrant: claws back the unspent credits of a grant. Held ones are revoked when they return.

use crate::decide::context::Context;
use crate::decide::decision::Decision;
use crate::decide::replay::replay_of_request;
use crate::decide::verdict::{Subject, Verdict};
use crate::ledger::entry::EntryKind;
use crate::ledger::posting::Part;
use crate::value::fingerprint::Fingerprint;
use crate::value::ids::RequestId;
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

/// Decides a [`RevokeGrant`].
pub fn revoke_grant(
    wallet: &Wallet,
    context: &Context<'_>,
    revoke: &RevokeGrant,
) -> Result<Verdict, Rejection> {
    let fingerprint = Fingerprint::default().with("grant_id", Some(&revoke.grant));
    let subject = Subject::Grants(vec![revoke.grant.clone()]);
    if replay_of_request(wallet, &revoke.request, EntryKind::GrantRevoked, &fingerprint)? {
        return Ok(Verdict::replay(subject));
    }
    let grant = wallet.grants.get(&revoke.grant).ok_or(Rejection::GrantNotFound)?;
    let mut decision = Decision::of(EntryKind::GrantRevoked, context.now).because(&revoke.reason);
    for (part, amount) in [(Part::Available, grant.parts.available), (Part::Pending, grant.parts.pending)] {
        decision.move_in_grant(&grant.key, &grant.unit, part, Part::Revoked, amount);
    }
    decision.clawback.push((grant.key.clone(), Clawback::Revoked));
    decision.request = Some((revoke.request.clone(), fingerprint));
    Ok(Verdict::new(decision, subject))
}
