//! What the command line changes in a scenario: one number or word at a time, by its path in the file.

use std::str::FromStr;

use toml::{Table, Value};

/// Where the numbers of a change come from.
pub(super) const SOURCE: &str = "set on the command line";

/// A value that takes the place of what a scenario says, in all of its variants.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Names of the tables around it, and its own.
    path: Vec<String>,
    value: Value,
}

impl FromStr for Change {
    type Err = String;

    /// Reads `fleet.workers=100`: a path, and a value of TOML. What is no value of TOML is a word.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted =
            "write it as fleet.workers=100: the path of a key in the scenario, and its value";
        let (path, value) = text.split_once('=').ok_or(wanted)?;
        let path: Vec<String> = path.trim().split('.').map(str::to_owned).collect();
        let is_key = |key: &String| {
            !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if !path.iter().all(is_key) {
            return Err(wanted.to_owned());
        }
        let value = value.trim();
        let parsed = format!("value = {value}").parse::<Table>();
        let value = match parsed.ok().and_then(|mut table| table.remove("value")) {
            Some(value) => value,
            None if value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !value.is_empty() =>
            {
                Value::String(value.to_owned())
            }
            None => return Err(format!("{value:?} is no value of TOML")),
        };
        Ok(Self { path, value })
    }
}

impl Change {
    /// Its path in the file.
    pub(super) fn path(&self) -> String {
        self.path.join(".")
    }

    /// What it sets, as it would stand in the file.
    pub(super) fn shown(&self) -> String {
        format!("{} = {}", self.path(), self.value)
    }

    /// Puts it into a scenario.
    ///
    /// # Errors
    /// If it is inside of something that is no table, or says nothing there. The text tells.
    pub(super) fn put_into(&self, root: &mut Table) -> Result<(), String> {
        let is_swept = root
            .get("sweep")
            .and_then(|sweep| sweep.get("workers"))
            .is_some();
        if self.path() == "fleet.workers" && is_swept {
            return Err(
                "fleet.workers is swept in this scenario: set sweep.workers, for example \
                 --set 'sweep.workers=[100]'"
                    .to_owned(),
            );
        }
        let (key, tables) = self.path.split_last().ok_or("an empty path")?;
        let mut table = root;
        for name in tables {
            let inner = table
                .entry(name.clone())
                .or_insert_with(|| Value::Table(Table::new()));
            table = inner
                .as_table_mut()
                .ok_or_else(|| format!("{} is no table, so it has no {key}", name))?;
        }
        table.insert(key.clone(), self.value.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(text: &str, change: &str) -> Result<Table, String> {
        let mut table: Table = text.parse().unwrap();
        change.parse::<Change>()?.put_into(&mut table)?;
        Ok(table)
    }

    #[test]
    fn a_change_takes_the_place_of_what_is_there_or_comes_beside_it() {
        for (change, expected) in [
            ("fleet.workers=7", "[fleet]\nworkers = 7\nslots = 1\n"),
            (
                "fleet.boot_s = 2.5",
                "[fleet]\nworkers = 5\nslots = 1\nboot_s = 2.5\n",
            ),
            (
                "hub.law=exponential",
                "[fleet]\nworkers = 5\nslots = 1\n[hub]\nlaw = \"exponential\"\n",
            ),
            (
                "sweep.workers=[1, 2]",
                "[fleet]\nworkers = 5\nslots = 1\n[sweep]\nworkers = [1, 2]\n",
            ),
        ] {
            let found = changed("[fleet]\nworkers = 5\nslots = 1\n", change).unwrap();
            assert_eq!(found, expected.parse::<Table>().unwrap(), "{change}");
        }
    }

    #[test]
    fn what_cannot_be_set_is_said() {
        for (change, words) in [
            ("fleet.workers", "write it as"),
            ("=5", "write it as"),
            ("fleet.wor kers=5", "write it as"),
            ("fleet.workers=[1", "no value of TOML"),
            ("seed.x=5", "seed is no table"),
        ] {
            let error = changed("seed = 1\n", change).unwrap_err();
            assert!(error.contains(words), "{change}: {error}");
        }
        let swept = "[fleet]\nworkers = 5\n[sweep]\nworkers = [5]\n";
        let error = changed(swept, "fleet.workers=5").unwrap_err();
        assert!(error.contains("sweep.workers"), "{error}");
    }
}
