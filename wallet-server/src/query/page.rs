//! Pages of lists, and the tokens that lead from one to the next.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::query::ReadError;

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// 1 to 500.
    pub(crate) size: u32,
    /// From the page before.
    pub(crate) token: Option<String>,
}

/// A page of a list. It may end early: every item has a token that continues after it.
pub(crate) struct Listed<T> {
    items: Vec<T>,
    token: Box<dyn Fn(&T) -> String + Send>,
    next: Option<String>,
}

impl<T> Listed<T> {
    /// The items, of which the reader takes as many as it likes, at least one, and the token of the next page; an empty one
    /// after the last.
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
    /// Where the page begins: what the token was made of.
    pub(super) fn position<P: DeserializeOwned>(&self) -> Result<Option<P>, ReadError> {
        let Some(token) = &self.token else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| ReadError::BadPageToken)?;
        serde_json::from_slice(&bytes).map(Some).map_err(|_| ReadError::BadPageToken)
    }

    /// How many to ask for: one more than fit, to see whether there is a next page.
    pub(super) fn probe(&self) -> u64 {
        u64::from(self.size) + 1
    }

    /// The page made of what was found, which may be one too many.
    pub(crate) fn cut<T, P: Serialize>(
        &self,
        found: Vec<T>,
        position: impl Fn(&T) -> P + Send + 'static,
    ) -> Listed<T> {
        self.cut_scan(found, None, position)
    }

    /// The page made of what was found in a part of the list, which may be one too many. `rest` is where that part ends, if
    /// something follows.
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
    // A position is made of texts and numbers.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of which only so many items are taken.
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
    fn a_token_leads_behind_the_last_item_and_the_last_page_has_none() {
        let (items, next) = taken(page("").cut(vec![1, 2, 3], |n| *n), 2);
        assert_eq!((items, page(&next).position()), (vec![1, 2], Ok(Some(2))));
        assert_eq!(taken(page(&next).cut(vec![3], |n| *n), 2), (vec![3], String::new()));
        assert_eq!(page("?").position::<i32>(), Err(ReadError::BadPageToken));
    }

    #[test]
    fn a_page_that_is_taken_in_part_is_continued_after_that_part() {
        let (items, next) = taken(page("").cut(vec![1, 2], |n| *n), 1);
        assert_eq!((items, page(&next).position()), (vec![1], Ok(Some(1))));
    }

    #[test]
    fn a_search_that_found_nothing_is_continued_where_it_ended() {
        let (items, next) = taken(page("").cut_scan(Vec::new(), Some(7), |n| *n), 2);
        assert_eq!((items, page(&next).position()), (Vec::new(), Ok(Some(7))));
    }
}
