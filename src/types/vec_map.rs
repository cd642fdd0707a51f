//! A map as a list in order. What it keeps are hosts, sections and notes: read in order, rarely added to. It is here for
//! flash: the standard library's map is balanced anew by code that is made for each kind of key and value, 15 KB on ARMv6.

use std::borrow::Borrow;

/// Values by key, in the order of the keys. A lookup halves the list; what is added moves what stands behind it, unless it
/// comes last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VecMap<K, V>(Vec<(K, V)>);

impl<K, V> Default for VecMap<K, V> {
    fn default() -> VecMap<K, V> {
        VecMap(Vec::new())
    }
}

impl<K: Ord, V> VecMap<K, V> {
    /// Where a key stands, or where it would.
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        match self.0.last() {
            Some((last, _)) if last.borrow() < key => Err(self.0.len()),
            _ => self.0.binary_search_by(|(own, _)| own.borrow().cmp(key)),
        }
    }

    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|at| &self.0[at].1)
    }

    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|at| &mut self.0[at].1)
    }

    /// The value of a key, which is made if it is not there.
    pub fn or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let at = self.place(&key).unwrap_or_else(|at| {
            self.0.insert(at, (key, V::default()));
            at
        });
        &mut self.0[at].1
    }

    pub fn insert(&mut self, key: K, value: V) {
        match self.place(&key) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (key, value)),
        }
    }

    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|at| self.0.remove(at).1)
    }

    pub fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        self.0.retain(|(key, _)| keep(key));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for VecMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(all: I) -> VecMap<K, V> {
        let mut sorted = VecMap::default();
        all.into_iter().for_each(|(key, value)| sorted.insert(key, value));
        sorted
    }
}

impl<K, V> IntoIterator for VecMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_map_whatever_the_order() {
        let mut random = 9_u32;
        let mut peer = std::collections::BTreeMap::new();
        let mut own: VecMap<u32, u32> = VecMap::default();
        for turn in 0..2_000 {
            // Any walk over few keys will do: each is added, changed and removed many times.
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let key = (random >> 16) % 100;
            match random >> 30 {
                0 => assert_eq!(own.remove(&key), peer.remove(&key)),
                1 => {
                    *own.or_default(key) += turn;
                    *peer.entry(key).or_default() += turn;
                }
                _ => {
                    own.insert(key, turn);
                    peer.insert(key, turn);
                }
            }
            assert_eq!(own.get(&key), peer.get(&key));
            assert_eq!(own.get_mut(&key), peer.get_mut(&key));
        }
        own.retain(|key| key % 3 == 0);
        peer.retain(|key, _| key % 3 == 0);
        assert!(own.iter().eq(peer.iter()) && own.values().eq(peer.values()) && !own.is_empty());
        let again: VecMap<u32, u32> = peer.clone().into_iter().rev().collect();
        assert_eq!(again, own);
        assert!(own.into_iter().eq(peer));
    }
}
