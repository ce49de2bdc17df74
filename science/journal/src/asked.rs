//! What a scan was asked: with the release, all that its map depends on.

use std::num::NonZeroU32;
use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, params_from_iter};
use sha2::{Digest, Sha256};

use super::schema::{EVENT, PLAN, SETTINGS, TABLES};
use skyscan_reco::Problem;
use skyscan_scan::plan::Disc;
use skyscan_scan::protocol::{pack_problem, unpack_problem};
use skyscan_scan::{Plan, Strategy, Variations};
use skyscan_sky::region::{RegionChoice, RegionMethod};
use skyscan_sky::{Equatorial, Nside};

/// What a scan was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// What is scanned, and with what.
    pub problem: Problem,
    /// How the sky is searched.
    pub plan: Plan,
    /// Which regions are made, and how; they chose the level of the plan.
    pub regions: RegionChoice,
    /// At so many different workers a pixel fails before it fails for good.
    pub fail_after: NonZeroU32,
    /// Whether the files of the scan belong into the folder of the journal.
    pub files_beside: bool,
}

impl Asked {
    /// What differs between two scans, as `name: this one, not that one`; nothing if their maps must be
    /// the same.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        let mut compare = |name: &str, ours: String, others: String| {
            if ours != others {
                differences.push(format!("{name}: {ours}, not {others}"));
            }
        };
        compare(
            "reco",
            shown(&self.problem.reco),
            shown(&other.problem.reco),
        );
        let strategy = |asked: &Self| match asked.plan.strategy() {
            Strategy::Zoom => "zoom".to_owned(),
            Strategy::Direct { within: None } => "direct".to_owned(),
            Strategy::Direct {
                within: Some(Disc { center, radius_rad }),
            } => format!(
                "direct within {} deg of {},{}",
                radius_rad.to_degrees(),
                center.ra_rad.to_degrees(),
                center.dec_rad.to_degrees()
            ),
        };
        compare("strategy", strategy(self), strategy(other));
        let rounds = |asked: &Self| match asked.plan.ends_resolved() {
            true => format!("{} as far as it takes", nsides(&asked.plan)),
            false => nsides(&asked.plan),
        };
        compare("nside", rounds(self), rounds(other));
        let variations = |asked: &Self| asked.plan.variations().name().to_owned();
        compare("variations", variations(self), variations(other));
        let regions = |asked: &Self| match asked.regions.method().coverage_sha256() {
            Some(hash) => format!("coverage by file {}", hash.get(..8).unwrap_or(hash)),
            None => asked.regions.method().name().to_owned(),
        };
        compare("regions", regions(self), regions(other));
        // Other shares of the same map are only other lines on it, but for those that it must reach further
        // for.
        if self.plan.level() != other.plan.level() {
            compare("levels", levels(&self.regions), levels(&other.regions));
        }
        let systematics = |asked: &Self| match &asked.problem.systematics {
            None => "none".to_owned(),
            Some(set) => format!("{} {}", shown(&set.name), &set.sha256_hex()[..8]),
        };
        compare("systematics", systematics(self), systematics(other));
        let detector = |asked: &Self| shown(&asked.problem.detector.name);
        compare("detector", detector(self), detector(other));
        let event = |asked: &Self| {
            let event = &asked.problem.event;
            format!(
                "run {} event {} with {} pulses",
                event.run_id,
                event.event_id,
                event.pulses.len()
            )
        };
        compare("event", event(self), event(other));
        if differences.is_empty() {
            if self.problem.event != other.problem.event {
                differences.push("event: another version of it, or other pulses".to_owned());
            }
            if self.problem.detector != other.problem.detector {
                differences.push("detector: another description of it".to_owned());
            }
            if self.plan != other.plan {
                differences.push(format!(
                    "level of the region: {}, not {}",
                    self.plan.level(),
                    other.plan.level()
                ));
            }
        }
        differences
    }

    /// SHA-256 of the event, its detector and all settings that the answer depends on, in hexadecimal: scans that are
    /// asked the same have the same.
    pub fn sha256_hex(&self) -> String {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(&pack_problem(&self.problem));
        for (name, value) in self.settings() {
            // Where the files go is no matter of the answer.
            if name != "files_beside" {
                part(name.as_bytes());
                match value {
                    Value::Text(text) => part(text.as_bytes()),
                    Value::Integer(number) => part(&number.to_le_bytes()),
                    Value::Real(number) => part(&number.to_bits().to_le_bytes()),
                    Value::Blob(bytes) => part(&bytes),
                    Value::Null => part(b""),
                }
            }
        }
        for nside in self.plan.rounds() {
            part(&u32::from(*nside).to_le_bytes());
        }
        format!("{:x}", hash.finalize())
    }

    fn settings(&self) -> Vec<(&'static str, Value)> {
        let text = |text: &str| Value::Text(text.to_owned());
        let mut settings = vec![
            ("fail_after", Value::Integer(self.fail_after.get().into())),
            ("files_beside", Value::Integer(self.files_beside.into())),
            ("level", Value::Real(self.plan.level())),
            ("reco", text(&self.problem.reco)),
            ("regions", text(self.regions.method().name())),
            ("levels", Value::Text(levels(&self.regions))),
            (
                "until_resolved",
                Value::Integer(self.plan.ends_resolved().into()),
            ),
        ];
        if let RegionMethod::Coverage(levels) = self.regions.method() {
            // What is made of numbers and names only can always be written.
            let levels = serde_json::to_string(&**levels).unwrap_or_default();
            settings.push(("coverage", Value::Text(levels)));
        }
        // Without the setting a fit begins at points, as in journals from before there were others.
        match self.plan.variations() {
            Variations::Point => {}
            variations => settings.push(("variations", text(variations.name()))),
        }
        match self.plan.strategy() {
            Strategy::Zoom => settings.push(("strategy", text("zoom"))),
            Strategy::Direct { within } => {
                settings.push(("strategy", text("direct")));
                if let Some(Disc { center, radius_rad }) = within {
                    settings.push(("near_ra_rad", Value::Real(center.ra_rad)));
                    settings.push(("near_dec_rad", Value::Real(center.dec_rad)));
                    settings.push(("within_rad", Value::Real(*radius_rad)));
                }
            }
        }
        settings
    }

    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let event = &self.problem.event;
        let packed = pack_problem(&self.problem);
        let row = [
            ValueRef::Integer(event.run_id.into()),
            ValueRef::Integer(event.event_id.into()),
            ValueRef::Real(event.mjd),
            ValueRef::Text(event.stream.as_bytes()),
            ValueRef::Text(self.problem.detector.name.as_bytes()),
            ValueRef::Blob(&packed),
        ];
        connection.execute(
            &TABLES[EVENT].insert(),
            params_from_iter(row.map(ToSqlOutput::Borrowed)),
        )?;
        for setting in self.settings() {
            connection.execute(&TABLES[SETTINGS].insert(), setting)?;
        }
        for (step, nside) in self.plan.rounds().iter().enumerate() {
            let round = i64::from(u32::from(*nside));
            connection.execute(&TABLES[PLAN].insert(), (step as i64, round))?;
        }
        Ok(())
    }

    /// Reads it back; fails with what makes no sense.
    pub(super) fn read(connection: &Connection) -> Result<Self, String> {
        let wrong = |error: rusqlite::Error| error.to_string();
        let packed: Vec<u8> = connection
            .query_row("SELECT problem FROM event", [], |row| row.get(0))
            .map_err(wrong)?;
        let problem = unpack_problem(&packed).map_err(|error| error.to_string())?;
        let setting = |name: &str| -> rusqlite::Result<Value> {
            connection.query_row("SELECT value FROM settings WHERE name = ?", [name], |row| {
                row.get(0)
            })
        };
        let text = |name: &str| match setting(name).map_err(wrong)? {
            Value::Text(text) => Ok(text),
            _ => Err(format!("{name} is no text")),
        };
        let real = |name: &str| match setting(name).map_err(wrong)? {
            Value::Real(number) => Ok(number),
            _ => Err(format!("{name} is no real number")),
        };
        let integer = |name: &str| match setting(name).map_err(wrong)? {
            Value::Integer(number) => Ok(number),
            _ => Err(format!("{name} is no integer")),
        };
        let strategy = match text("strategy")?.as_str() {
            "zoom" => Strategy::Zoom,
            "direct" => Strategy::Direct {
                within: match setting("within_rad") {
                    Err(rusqlite::Error::QueryReturnedNoRows) => None,
                    _ => Some(Disc {
                        center: Equatorial {
                            ra_rad: real("near_ra_rad")?,
                            dec_rad: real("near_dec_rad")?,
                        },
                        radius_rad: real("within_rad")?,
                    }),
                },
            },
            other => return Err(format!("strategy is {other:?}")),
        };
        let variations = match setting("variations") {
            Err(rusqlite::Error::QueryReturnedNoRows) => Variations::Point,
            _ => {
                let named = text("variations")?;
                let known = Variations::ALL
                    .into_iter()
                    .find(|known| known.name() == named);
                known.ok_or_else(|| format!("variations are {named:?}"))?
            }
        };
        let regions = match text("regions")?.as_str() {
            "wilks" => RegionMethod::Wilks,
            "calibrated" => RegionMethod::Calibrated,
            "posterior" => RegionMethod::Posterior,
            "coverage" => {
                let levels = serde_json::from_str(&text("coverage")?);
                RegionMethod::Coverage(Arc::new(
                    levels.map_err(|error| format!("coverage: {error}"))?,
                ))
            }
            other => return Err(format!("regions are {other:?}")),
        };
        let shares = text("levels")?;
        let shares: Result<Vec<f64>, _> = shares.split(',').map(str::parse).collect();
        let shares = shares.map_err(|error| format!("levels: {error}"))?;
        let regions = RegionChoice::new(regions, shares).map_err(|error| error.to_string())?;
        let plan = Plan::new(strategy, rounds(connection)?, real("level")?);
        let plan = plan.map_err(|error| error.to_string())?;
        let fail_after = u32::try_from(integer("fail_after")?).ok();
        Ok(Self {
            problem,
            plan: plan
                .until_resolved(integer("until_resolved")? != 0)
                .varying(variations),
            regions,
            fail_after: fail_after
                .and_then(NonZeroU32::new)
                .ok_or("fail_after is no number above 0")?,
            files_beside: integer("files_beside")? != 0,
        })
    }
}

fn rounds(connection: &Connection) -> Result<Vec<Nside>, String> {
    let read = || -> rusqlite::Result<Vec<i64>> {
        let mut statement = connection.prepare(&TABLES[PLAN].select())?;
        let rounds = statement.query_map([], |row| row.get(1))?;
        rounds.collect()
    };
    let rounds = read().map_err(|error| error.to_string())?;
    rounds.into_iter().map(nside).collect()
}

/// A resolution as a table has it.
pub(super) fn nside(round: i64) -> Result<Nside, String> {
    let number = u32::try_from(round).map_err(|_| format!("nside {round}"))?;
    Nside::try_from(number).map_err(|error| error.to_string())
}

/// The shares that regions hold, each as short as it can be told from all others.
fn levels(regions: &RegionChoice) -> String {
    let shares = regions.containments().iter().map(ToString::to_string);
    shares.collect::<Vec<String>>().join(",")
}

fn nsides(plan: &Plan) -> String {
    let rounds = plan.rounds().iter().map(ToString::to_string);
    rounds.collect::<Vec<String>>().join(",")
}

fn shown(name: &str) -> String {
    skyscan_event::names::clean(name, skyscan_event::names::LONGEST_NAME)
}
