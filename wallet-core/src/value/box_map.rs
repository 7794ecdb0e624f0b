//! An ordered map of large values.

use std::borrow::Borrow;
use std::collections::{BTreeMap, btree_map};
use std::iter::Map;
use std::ops::Index;

/// An ordered map that keeps each value in an allocation of its own.
///
/// A node of a [`BTreeMap`] has room for eleven values. For the one grant of most wallets these are five kilobytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxMap<K, V>(BTreeMap<K, Box<V>>);

impl<K: Ord, V> BoxMap<K, V> {
    /// Returns a map without values.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Returns the value of `key`.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0.get(key).map(Box::as_ref)
    }

    /// Returns the value of `key`, which may be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.0.get_mut(key).map(Box::as_mut)
    }

    /// Returns whether `key` has a value.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.contains_key(key)
    }

    /// Sets the value of `key`. Returns the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(key, Box::new(value)).map(|before| *before)
    }

    /// Removes the value of `key` and returns it.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.0.remove(key).map(|value| *value)
    }

    /// Sets the value of `key` if it has none.
    pub fn insert_missing(&mut self, key: K, value: V) {
        self.0.entry(key).or_insert_with(|| Box::new(value));
    }

    /// Removes the values for which `keeps` returns false.
    pub fn retain(&mut self, mut keeps: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain(|key, value| keeps(key, value));
    }

    /// Returns the number of values.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.0.keys()
    }

    /// Returns the values in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.0.values().map(Box::as_ref)
    }

    /// Returns the values in the order of their keys; they may be changed.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> {
        self.0.values_mut().map(Box::as_mut)
    }

    /// Returns the keys, in order, and their values.
    pub fn iter(&self) -> Iter<'_, K, V> {
        self.0.iter().map(unboxed)
    }
}

/// The keys of a [`BoxMap`], in order, and their values.
pub type Iter<'a, K, V> = Map<btree_map::Iter<'a, K, Box<V>>, fn((&'a K, &'a Box<V>)) -> (&'a K, &'a V)>;

#[expect(clippy::borrowed_box, reason = "the values are given out without their boxes")]
fn unboxed<'a, K, V>((key, value): (&'a K, &'a Box<V>)) -> (&'a K, &'a V) {
    (key, value)
}

impl<'a, K: Ord, V> IntoIterator for &'a BoxMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The keys and values of a [`BoxMap`] that is given up, in order.
pub type IntoIter<K, V> = Map<btree_map::IntoIter<K, Box<V>>, fn((K, Box<V>)) -> (K, V)>;

impl<K: Ord, V> IntoIterator for BoxMap<K, V> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().map(|(key, value)| (key, *value))
    }
}

impl<Q: Ord + ?Sized, K: Ord + Borrow<Q>, V> Index<&Q> for BoxMap<K, V> {
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        &self.0[key]
    }
}

impl<K: Ord, V> Default for BoxMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord, V> Extend<(K, V)> for BoxMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        for (key, value) in pairs {
            self.insert(key, value);
        }
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for BoxMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut map = Self::new();
        map.extend(pairs);
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_replaced_by_insert_and_kept_by_insert_missing() {
        let mut map = BoxMap::from_iter([("b", 2), ("a", 1)]);
        assert_eq!((map.insert("a", 3), map.insert("c", 4)), (Some(1), None));
        map.insert_missing("a", 5);
        map.insert_missing("d", 6);
        assert_eq!(map.iter().collect::<Vec<_>>(), [(&"a", &3), (&"b", &2), (&"c", &4), (&"d", &6)]);
        map.retain(|_, value| *value < 6);
        assert_eq!((map.remove("b"), map.get("b"), map["a"], map.len()), (Some(2), None, 3, 2));
    }
}
