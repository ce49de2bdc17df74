//! `Lambda`: photoelectrons per GeV of each shower in each span of each DOM, where there are any.

use super::bins::Bins;

/// Of the DOMs in their order; those of one DOM stand together.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    /// Which shower, and what it sends.
    pub(super) entries: Vec<(u32, Bins)>,
    /// Where the entries of each DOM end.
    pub(super) ends: Vec<usize>,
    /// Photoelectrons per GeV of each shower in DOMs that saw nothing.
    pub(super) dark_per_gev: Vec<f64>,
}

impl Matrix {
    pub(super) fn new(n_showers: usize) -> Self {
        Self {
            entries: Vec::new(),
            ends: Vec::new(),
            dark_per_gev: vec![0.0; n_showers],
        }
    }

    pub(super) fn push(&mut self, shower: usize, per_gev: Bins) {
        self.entries.push((shower as u32, per_gev));
    }

    pub(super) fn end_dom(&mut self) {
        self.ends.push(self.entries.len());
    }

    /// Those of some showers, which are numbered anew; they are in ascending order.
    pub(crate) fn of(&self, showers: &[usize]) -> Self {
        let mut number = vec![u32::MAX; self.dark_per_gev.len()];
        for (new, old) in showers.iter().enumerate() {
            number[*old] = new as u32;
        }
        let mut own = Self::new(0);
        own.dark_per_gev = showers.iter().map(|j| self.dark_per_gev[*j]).collect();
        for entries in self.by_dom() {
            let kept = entries.iter().filter_map(|(shower, per_gev)| {
                let new = number[*shower as usize];
                (new != u32::MAX).then_some((new, *per_gev))
            });
            own.entries.extend(kept);
            own.end_dom();
        }
        own
    }

    /// The entries of each DOM.
    pub(super) fn by_dom(&self) -> impl Iterator<Item = &[(u32, Bins)]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins
            .zip(&self.ends)
            .map(|(begin, end)| &self.entries[begin..*end])
    }
}
