//! The windows of periods whose payment was returned: a charged-back period gives nothing, and others give all of their
//! windows unless a refund was recorded.

use std::collections::{BTreeMap, HashMap, HashSet};

use wallet_core::entry::{Entry, EntryKind};
use wallet_core::grant::{GrantKey, Origin};
use wallet_core::posting::{Account, Part};

use crate::verify::clawback::SubjectDigest;
use crate::verify::faults::Faults;
use crate::verify::grant::GrantFold;

/// The windows that entries gave, and the payments that had been returned by then.
#[derive(Debug, Default)]
pub(super) struct Windows {
    /// The payments of which a refund or a chargeback was recorded.
    refunded: HashSet<SubjectDigest>,
    /// The payments that are charged back, each with the last sale of a plan before.
    charged_back: HashMap<SubjectDigest, u32>,
    last_sale: u32,
    entries: Vec<EntryWindows>,
}

/// The windows of one entry.
#[derive(Debug)]
struct EntryWindows {
    revision: i64,
    refunded: HashSet<SubjectDigest>,
    charged_back: HashMap<SubjectDigest, u32>,
    /// The issued and the withheld credits of each grant.
    credits: BTreeMap<GrantKey, (i64, i64)>,
}

impl Windows {
    /// Adds an entry.
    pub(super) fn add(&mut self, entry: &Entry) {
        use EntryKind::{AllowanceGiven, ChargebackReversed, ChargedBack, PlanChanged, RefundRecorded};
        match entry.kind {
            RefundRecorded => _ = self.refunded.insert(SubjectDigest::payment_in(entry)),
            ChargedBack => {
                let payment = SubjectDigest::payment_in(entry);
                self.refunded.insert(payment.clone());
                self.charged_back.insert(payment, self.last_sale);
            }
            ChargebackReversed => _ = self.charged_back.remove(&SubjectDigest::payment_in(entry)),
            AllowanceGiven | PlanChanged => self.give(entry),
            _ => {}
        }
        let issued = entry.postings.iter().filter(|posting| posting.from == Part::Issued);
        let sales = issued.filter_map(|posting| match &posting.account {
            Account::Grant(key) => key.sale(),
            Account::Debt => None,
        });
        self.last_sale = sales.max().unwrap_or(0).max(self.last_sale);
    }

    fn give(&mut self, entry: &Entry) {
        let mut credits: BTreeMap<GrantKey, (i64, i64)> = BTreeMap::new();
        for posting in &entry.postings {
            let Account::Grant(key) = &posting.account else { continue };
            if key.origin != Origin::Period {
                continue;
            }
            match (posting.from, posting.to) {
                (Part::Issued, _) => credits.entry(key.clone()).or_default().0 += posting.amount,
                (Part::Available, Part::PaidOut) => {
                    credits.entry(key.clone()).or_default().1 += posting.amount;
                }
                _ => {}
            }
        }
        let is_withheld = credits.values().any(|(_, withheld)| *withheld > 0);
        // Most wallets have no refunds; for them, no windows are kept.
        if is_withheld || !self.charged_back.is_empty() {
            let (refunded, charged_back) = (self.refunded.clone(), self.charged_back.clone());
            self.entries.push(EntryWindows { revision: entry.revision, refunded, charged_back, credits });
        }
    }

    /// Checks I32 when the rows of the grants, which show their periods, are read.
    pub(super) fn check(&self, grants: &BTreeMap<GrantKey, GrantFold>, faults: &mut Faults) {
        for EntryWindows { revision, refunded, charged_back, credits } in &self.entries {
            for (key, (issued, withheld)) in credits {
                let row = grants.get(key).and_then(|grant| grant.row.as_ref());
                let payment = row.and_then(|row| row.payment.as_ref()).map(SubjectDigest::of_payment);
                let was_refunded = payment.as_ref().is_some_and(|payment| refunded.contains(payment));
                faults.unless(*withheld == 0 || was_refunded, *revision, || {
                    format!("I32: withholds {withheld} of grant {key}, whose period was not refunded")
                });
                let sale = payment.and_then(|payment| charged_back.get(&payment).copied());
                // A later sale within the period has a payment of its own.
                let is_gone = sale.is_some_and(|last| key.sale().is_some_and(|sale| sale <= last));
                faults.unless(!is_gone || issued == withheld, *revision, || {
                    format!("I32: withholds {withheld} of the {issued} of grant {key}, whose period was charged back")
                });
            }
        }
    }
}
