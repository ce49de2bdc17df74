//! Every number of a scenario has a source: a text, or the word "assumed".
//!
//! A table says it beside its numbers, for all of them or for each:
//!
//! ```toml
//! [hub]
//! service_s = 0.015
//! source = "calibrated to the talk's slide, not measured"
//!
//! [fleet]
//! workers = 2000
//! slots = 1
//! source.workers = "the talk's slide"
//! source.slots = "assumed"
//! ```
//!
//! What is inside of a table is answered for by the source of the table, unless it has its own. The
//! path of what is in a list has the name of its element.

use std::collections::BTreeMap;

use toml::{Table, Value};

const SOURCE: &str = "source";

/// Takes the sources out of a scenario; returns them by the path of what they answer for.
///
/// # Errors
/// If a number has none, or one answers for nothing. The text says what to add, and where.
pub(super) fn take_sources(root: &mut Table) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    take(root, "", Inherited::Nothing, &mut found)?;
    Ok(found)
}

/// The source of the numbers of a table that has none of its own.
#[derive(Clone, Copy)]
enum Inherited<'a> {
    Nothing,
    Text(&'a str),
}

fn take(
    table: &mut Table,
    path: &str,
    above: Inherited<'_>,
    found: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    let source = table.remove(SOURCE);
    let inside = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    let mut by_key: BTreeMap<String, String> = BTreeMap::new();
    let mut for_all = None;
    match source {
        None => {}
        Some(Value::String(text)) => for_all = Some(text),
        Some(Value::Table(texts)) => {
            for (key, text) in texts {
                let Value::String(text) = text else {
                    return Err(format!("source.{key} in {} is not a text", shown(path)));
                };
                if !table.contains_key(&key) {
                    return Err(format!(
                        "source.{key} in {} answers for nothing: there is no {key}",
                        shown(path)
                    ));
                }
                by_key.insert(key, text);
            }
        }
        Some(_) => return Err(format!("source in {} is not a text", shown(path))),
    }
    let inherited = match (&for_all, above) {
        (Some(text), _) => Inherited::Text(text),
        (None, above) => above,
    };
    for (key, value) in table.iter_mut() {
        let own = by_key.get(key).map(String::as_str);
        // What the root says of its own numbers says nothing of its tables.
        let inherited = match (own, path) {
            (Some(text), _) => Inherited::Text(text),
            (None, "") if holds_table(value) => Inherited::Nothing,
            (None, _) => inherited,
        };
        visit(value, &inside(key), path, inherited, found)?;
    }
    Ok(())
}

fn visit(
    value: &mut Value,
    path: &str,
    table: &str,
    inherited: Inherited<'_>,
    found: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    match value {
        Value::Integer(_) | Value::Float(_) => match inherited {
            Inherited::Text(text) => {
                found.insert(path.to_owned(), text.to_owned());
                Ok(())
            }
            Inherited::Nothing => {
                let key = path.rsplit('.').next().unwrap_or(path);
                Err(format!(
                    "{path} = {value} has no source: write source.{key} = \"where it comes from\" \
                     (or \"assumed\") into {}",
                    shown(table)
                ))
            }
        },
        Value::Array(values) => values.iter_mut().try_for_each(|value| {
            let path = match value.get("name").and_then(Value::as_str) {
                Some(name) => format!("{path} {name:?}"),
                None => path.to_owned(),
            };
            visit(value, &path, table, inherited, found)
        }),
        Value::Table(inner) => take(inner, path, inherited, found),
        Value::String(_) | Value::Boolean(_) | Value::Datetime(_) => Ok(()),
    }
}

fn holds_table(value: &Value) -> bool {
    match value {
        Value::Table(_) => true,
        Value::Array(values) => values.iter().any(holds_table),
        _ => false,
    }
}

fn shown(path: &str) -> String {
    match path {
        "" => "the top of the file".to_owned(),
        path => format!("[{path}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> Result<BTreeMap<String, String>, String> {
        take_sources(&mut text.parse().unwrap())
    }

    #[test]
    fn one_source_answers_for_a_table_and_what_is_in_it() {
        let found = sources(
            "[a]\nx = 1\ny = { z = 2.5, w = [1, 2] }\nword = \"no number\"\nsource = \"slide\"\n\
             [b]\nu = 1\nv = 2\nsource.u = \"paper\"\nsource.v = \"assumed\"\n",
        )
        .unwrap();
        let of = |path: &str| found.get(path).map(String::as_str);
        assert_eq!(of("a.x"), Some("slide"));
        assert_eq!(of("a.y.z"), Some("slide"));
        assert_eq!(of("a.y.w"), Some("slide"));
        assert_eq!(of("b.u"), Some("paper"));
        assert_eq!(of("b.v"), Some("assumed"));
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn a_number_without_a_source_is_refused_with_what_to_write() {
        let error = sources("[fleet]\nworkers = 5\nslots = 1\nsource.slots = \"x\"\n").unwrap_err();
        assert!(error.contains("fleet.workers = 5") && error.contains("source.workers"));
        assert!(error.contains("[fleet]"), "{error}");
        let error = sources("seed = 1\nsource = \"x\"\n[fleet]\nworkers = 5\n").unwrap_err();
        assert!(error.contains("fleet.workers"), "{error}");
        let error = sources("[[variant]]\nname = \"a\"\nfleet.workers = 5\n").unwrap_err();
        assert!(error.contains("variant \"a\".fleet.workers"), "{error}");
    }

    #[test]
    fn each_variant_answers_for_its_own_numbers() {
        let found = sources(
            "[[variant]]\nname = \"a\"\nx = 1\nsource = \"slide\"\n\
             [[variant]]\nname = \"b\"\nx = 2\nsource = \"assumed\"\n",
        )
        .unwrap();
        let shown: Vec<(&str, &str)> = found.iter().map(|(k, v)| (&**k, &**v)).collect();
        assert_eq!(
            shown,
            [("variant \"a\".x", "slide"), ("variant \"b\".x", "assumed")]
        );
    }

    #[test]
    fn a_source_of_nothing_is_refused() {
        let error = sources("[fleet]\nworkers = 5\nsource.wokers = \"x\"\n").unwrap_err();
        assert!(error.contains("wokers"), "{error}");
    }
}
