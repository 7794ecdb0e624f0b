//! The refunded credits of a payment, in layers: the credits that were refunded last are on top, and a smaller total
//! takes them off.

/// The layers from the bottom, each with its height. Of the first kind are credits that were lost already, by their end
/// or a revocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RefundedCredits(Vec<(Kind, i64)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lost,
    Live,
}

impl RefundedCredits {
    fn height(&self, of: impl Fn(Kind) -> bool) -> i64 {
        self.0.iter().filter(|(kind, _)| of(*kind)).map(|(_, height)| height).sum()
    }

    /// Returns the refunded credits that the customer would still have without the refund.
    pub(super) fn live(&self) -> i64 {
        self.height(|kind| kind == Kind::Live)
    }

    /// Returns the height of all layers.
    pub(super) fn all(&self) -> i64 {
        self.height(|_| true)
    }

    /// Adds or removes layers until all are this high. Of all credits of the payment, `lost` are lost.
    pub(super) fn build(&mut self, height: i64, lost: i64) {
        while self.height(|_| true) > height {
            let above = self.height(|_| true) - height;
            let Some((kind, top)) = self.0.pop() else { return };
            if top > above {
                self.0.push((kind, top - above));
            }
        }
        let missing = height - self.height(|_| true);
        let counted = self.height(|kind| kind == Kind::Lost);
        let more = missing.min((lost - counted).max(0));
        self.0.extend([(Kind::Lost, more), (Kind::Live, missing - more)]);
        self.0.retain(|(_, height)| *height > 0);
    }

    /// Puts credits below all others.
    pub(super) fn put_below(&mut self, live: i64) {
        self.0.insert(0, (Kind::Live, live));
    }
}
