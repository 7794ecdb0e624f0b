//! Renders pages of lists, limited to a size that clients accept.

use prost::Message;

use crate::query::Listed;

/// The most bytes of the items of a page, unless it has only one. Clients accept messages of 4 MiB by default.
pub(super) const MAX_BYTES: usize = 2 * 1024 * 1024;
/// The most bytes of the tag and the length of a message in a list.
pub(super) const FRAME: usize = 6;

/// Renders the items of a page and the token of the next one. The page ends before [`MAX_BYTES`].
pub(crate) fn page<T, M: Message>(listed: Listed<T>, render: impl Fn(&T) -> M) -> (Vec<M>, String) {
    let mut bytes = None;
    listed.taken(|item| {
        let message = render(item);
        let size = message.encoded_len() + FRAME;
        let sum = bytes.map_or(size, |bytes| bytes + size);
        let fits = bytes.is_none() || sum <= MAX_BYTES;
        bytes = Some(sum);
        fits.then_some(message)
    })
}

#[cfg(test)]
mod tests {
    use wallet_proto::v1;

    use super::*;
    use crate::query::Page;

    /// Returns the length of the first page of entries with texts of these sizes, and whether another follows.
    fn first_page(kib: &[usize]) -> (usize, bool) {
        let listed = Page { size: 500, token: None }.cut(kib.to_vec(), |_| 0);
        let render = |kib: &usize| v1::Entry { reason: "x".repeat(kib * 1_024), ..Default::default() };
        let (entries, next_page_token) = page(listed, render);
        let count = entries.len();
        let bytes = v1::ListEntriesResponse { entries, next_page_token: String::new() }.encoded_len();
        assert!(bytes <= MAX_BYTES || count == 1, "{bytes}");
        (count, !next_page_token.is_empty())
    }

    #[test]
    fn a_page_ends_before_two_mebibytes_and_has_at_least_one_item() {
        assert_eq!(first_page(&[300; 10]), (6, true));
        assert_eq!(first_page(&[300; 6]), (6, false));
        assert_eq!(first_page(&[3_000, 1]), (1, true));
        assert_eq!(first_page(&[3_000]), (1, false));
        assert_eq!(first_page(&[]), (0, false));
    }
}
