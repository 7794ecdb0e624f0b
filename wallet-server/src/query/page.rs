//! Pages of lists, and the tokens that lead from one to the next.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::query::ReadError;

/// The requested page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// Number of items, 1 to 500.
    pub(crate) size: u32,
    /// The token from the page before; `None` for the first page.
    pub(crate) token: Option<String>,
}

/// A page of a list. It may be cut short, because every item has a token that continues after it.
pub(crate) struct Listed<T> {
    items: Vec<T>,
    token: Box<dyn Fn(&T) -> String + Send>,
    next: Option<String>,
}

impl<T> Listed<T> {
    /// Returns the items that `take` converts, up to the first `None`, and the token of the next page, which is
    /// empty after the last page. `take` must accept at least one item.
    pub(crate) fn taken<M>(self, mut take: impl FnMut(&T) -> Option<M>) -> (Vec<M>, String) {
        let mut taken = Vec::with_capacity(self.items.len());
        for (n, item) in self.items.iter().enumerate() {
            match (take(item), n.checked_sub(1)) {
                (Some(rendered), _) => taken.push(rendered),
                (None, Some(last)) => return (taken, (self.token)(&self.items[last])),
                (None, None) => break,
            }
        }
        (taken, self.next.unwrap_or_default())
    }
}

impl Page {
    /// Returns the position at which the page begins, as encoded in the token.
    pub(super) fn position<P: DeserializeOwned>(&self) -> Result<Option<P>, ReadError> {
        let Some(token) = &self.token else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| ReadError::BadPageToken)?;
        serde_json::from_slice(&bytes).map(Some).map_err(|_| ReadError::BadPageToken)
    }

    /// Returns the number of items to read: one more than the page holds, to see whether another page follows.
    pub(super) fn probe(&self) -> u64 {
        u64::from(self.size) + 1
    }

    /// Returns the page of the items found, which may be one more than the page holds.
    pub(crate) fn cut<T, P: Serialize>(
        &self,
        found: Vec<T>,
        position: impl Fn(&T) -> P + Send + 'static,
    ) -> Listed<T> {
        self.cut_scan(found, None, position)
    }

    /// Returns the page of the items found in a part of the list, which may be one more than the page holds. `rest`
    /// is the position at which that part ends, if something follows.
    pub(super) fn cut_scan<T, P: Serialize>(
        &self,
        mut found: Vec<T>,
        rest: Option<P>,
        position: impl Fn(&T) -> P + Send + 'static,
    ) -> Listed<T> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let more = found.len() > size;
        found.truncate(size);
        let token = Box::new(move |item: &T| token(&position(item)));
        let next = match found.last() {
            Some(last) if more => Some(token(last)),
            _ => rest.as_ref().map(self::token),
        };
        Listed { items: found, token, next }
    }
}

fn token<P: Serialize>(position: &P) -> String {
    #[expect(clippy::expect_used, reason = "with another token the list would begin again")]
    let json = serde_json::to_vec(position).expect("a position has texts and numbers");
    URL_SAFE_NO_PAD.encode(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes at most `most` items of a page.
    fn taken(listed: Listed<i32>, most: usize) -> (Vec<i32>, String) {
        let mut left = most;
        listed.taken(|item| {
            left = left.checked_sub(1)?;
            Some(*item)
        })
    }

    fn page(token: &str) -> Page {
        Page { size: 2, token: (!token.is_empty()).then(|| token.to_owned()) }
    }

    #[test]
    fn a_token_continues_after_the_last_item_and_the_last_page_has_none() {
        let (items, next) = taken(page("").cut(vec![1, 2, 3], |n| *n), 2);
        assert_eq!((items, page(&next).position()), (vec![1, 2], Ok(Some(2))));
        assert_eq!(taken(page(&next).cut(vec![3], |n| *n), 2), (vec![3], String::new()));
        assert_eq!(page("?").position::<i32>(), Err(ReadError::BadPageToken));
    }

    #[test]
    fn a_page_that_is_cut_short_is_continued_where_it_was_cut() {
        let (items, next) = taken(page("").cut(vec![1, 2], |n| *n), 1);
        assert_eq!((items, page(&next).position()), (vec![1], Ok(Some(1))));
    }

    #[test]
    fn a_search_without_results_is_continued_where_it_ended() {
        let (items, next) = taken(page("").cut_scan(Vec::new(), Some(7), |n| *n), 2);
        assert_eq!((items, page(&next).position()), (Vec::new(), Ok(Some(7))));
    }
}
