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

/// A page of a list.
#[derive(Debug, Clone)]
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    /// Leads to the next page; nothing behind the last.
    pub(crate) next: Option<String>,
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
    pub(super) fn cut<T, P: Serialize>(&self, mut found: Vec<T>, position: impl Fn(&T) -> P) -> Listed<T> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let more = found.len() > size;
        found.truncate(size);
        let last = found.last().filter(|_| more).map(position);
        let token = last.and_then(|last| serde_json::to_vec(&last).ok());
        Listed { items: found, next: token.map(|bytes| URL_SAFE_NO_PAD.encode(bytes)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_behind_the_last_item_and_the_last_page_has_none() {
        let page = Page { size: 2, token: None };
        let listed = page.cut(vec![1, 2, 3], |n| *n);
        assert_eq!(listed.items, [1, 2]);
        let next = Page { size: 2, token: listed.next };
        assert_eq!(next.position::<i32>(), Ok(Some(2)));
        assert_eq!(next.cut(vec![3], |n| *n).next, None);
        assert_eq!(Page { size: 2, token: Some("?".into()) }.position::<i32>(), Err(ReadError::BadPageToken));
    }
}
