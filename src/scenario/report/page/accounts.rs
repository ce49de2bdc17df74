//! The part of a page that says what each point used: core hours, bytes over boundaries, money.

use std::fmt::Write;

use crate::drawing::markup::escaped;
use crate::scenario::results::account::Account;
use crate::scenario::results::{Point, Report};

/// Writes the table.
pub(super) fn write(page: &mut String, report: &Report) -> std::fmt::Result {
    let has_prices = report
        .points
        .iter()
        .any(|point| point.setup.price.is_some());
    writeln!(
        page,
        "<h2>Used</h2>\n<p>Means over the repeats, in unscaled time. Core hours are paid for from when a \
         machine comes until it goes; idle is what is left beside work.</p>\n<table><tr><th>variant</th>\
         <th>workers</th><th>core hours used</th><th>wasted</th><th>idle</th><th>billed</th>\
         <th>GB between hosts</th><th>zones</th><th>regions</th><th>clouds</th><th>internet</th>{}</tr>",
        if has_prices {
            "<th>$ compute</th><th>hub</th><th>transfer</th><th>total</th>"
        } else {
            ""
        }
    )?;
    for point in &report.points {
        let hours = |of: fn(&Account) -> Option<f64>| cell(point, of, 1);
        write!(
            page,
            "<tr><td>{}</td><td>{}</td>{}{}{}{}",
            escaped(&point.variant),
            point.workers,
            hours(|account| Some(account.core_hours?.used)),
            hours(|account| Some(account.core_hours?.wasted)),
            hours(|account| Some(account.core_hours?.idle)),
            hours(|account| Some(account.core_hours?.billed)),
        )?;
        let moved: [fn(&Account) -> u64; 5] = [
            |account| account.moved.host.bytes,
            |account| account.moved.zone.bytes,
            |account| account.moved.region.bytes,
            |account| account.moved.cloud.bytes,
            |account| account.moved.internet.bytes,
        ];
        for bytes in moved {
            let gigabytes = |account: &Account| Some(1e-9 * bytes(account) as f64);
            page.push_str(&cell(point, gigabytes, 3));
        }
        if has_prices {
            let money = |of: fn(&Account) -> Option<f64>| cell(point, of, 2);
            page.push_str(&money(|account| Some(account.dollars?.compute)));
            page.push_str(&money(|account| Some(account.dollars?.hub)));
            page.push_str(&money(|account| {
                let transfer = account.dollars?.transfer.named();
                Some(transfer.iter().map(|(_, dollars)| dollars).sum())
            }));
            page.push_str(&money(|account| Some(account.dollars?.total)));
        }
        writeln!(page, "</tr>")?;
    }
    writeln!(page, "</table>")
}

/// Mean over the repeats of a point that count, if they can tell.
fn cell(point: &Point, of: impl Fn(&Account) -> Option<f64>, digits: usize) -> String {
    match of(&point.tally.used) {
        None => "<td></td>".to_owned(),
        Some(mean) => format!("<td>{mean:.digits$}</td>"),
    }
}
