//! One line of a history.

/// When, who, what, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'h> {
    pub(crate) at: &'h str,
    pub(crate) who: &'h str,
    pub(crate) what: &'h str,
    rest: &'h str,
}

impl<'h> Line<'h> {
    /// Reads it.
    pub(crate) fn read(text: &'h str) -> Option<Self> {
        let (at, rest) = text.split_once(' ')?;
        let (who, rest) = rest.split_once(' ')?;
        let (what, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        Some(Self {
            at,
            who,
            what,
            rest,
        })
    }

    /// The value of a name, if it is there.
    pub(crate) fn get(&self, name: &str) -> Option<&'h str> {
        let words = self.rest.split(' ');
        let named = words.filter_map(|word| word.split_once('='));
        named
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value)
            .next()
    }

    /// A number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// A list.
    pub(crate) fn list(&self, name: &str) -> Vec<&'h str> {
        match self.get(name) {
            None | Some("-") => Vec::new(),
            Some(list) => list.split(',').collect(),
        }
    }

    /// A list of pairs.
    pub(crate) fn pairs(&self, name: &str) -> Vec<(&'h str, &'h str)> {
        let list = self.list(name).into_iter();
        list.filter_map(|word| word.split_once(':')).collect()
    }
}
