//! Maps in FITS: flat ones of one resolution (RING, NESTED, whole or partial) and multi-order ones,
//! as skyscan, IceCube's scanner, healpy and ligo.skymap write them.
//!
//! Such a map holds either `2 (llh - llh_best)` or a probability. Of a probability the negative
//! logarithm of its density is taken for the llh: its differences are those of a likelihood that would
//! give this map by a flat prior.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::{Declination, ScanFile, Values};
use crate::conventions::DECLINATION;
use crate::fits::{Cards, Cell, Table};
use crate::{doubt, maps};
use skyscan_event::names::{LONGEST_NAME, clean};
use skyscan_sky::map::{PixelFit, PixelOutcome, SkyMap};
use skyscan_sky::{Equatorial, Nside, Pixel};

mod cells;

use cells::{Piece, Pieces};

/// What healpy writes where nothing is known.
const UNSEEN: f64 = -1.6375e30;
/// Sums of probabilities that are taken for one: single precision, and tails that were cut off.
const TOTALS: std::ops::RangeInclusive<f64> = 0.9..=1.01;
/// The llh above the best one of what has no probability at all: that of the smallest double.
const NOTHING: f64 = 745.0;
/// What a gzipped file may unpack to: the finest flat map with a dozen columns.
const MOST_UNPACKED: u64 = 1 << 30;
/// Finest flat map, of 12.6 million pixels; finer ones come as multi-order maps.
const FINEST_FLAT: u32 = 1024;

/// Whether a file begins like FITS, gzipped or not.
pub(super) fn is_fits(file: &[u8]) -> bool {
    const BEGIN: &[u8] = b"SIMPLE  =";
    if !file.starts_with(&[0x1f, 0x8b]) {
        return file.starts_with(BEGIN);
    }
    let mut begin = [0; BEGIN.len()];
    MultiGzDecoder::new(file).read_exact(&mut begin).is_ok() && begin == BEGIN
}

/// Reads a map; the error says what is wrong with it.
pub(super) fn read(file: &[u8]) -> Result<ScanFile, String> {
    let reader: Box<dyn Read + '_> = match file.starts_with(&[0x1f, 0x8b]) {
        true => Box::new(MultiGzDecoder::new(file).take(MOST_UNPACKED)),
        false => Box::new(file),
    };
    let mut table = Table::find(reader, |name| meaning(name).is_some() || name == "UNIQ")?;
    check_frame(&table.cards)?;
    let (column, meaning) = signal(&table)?;
    let multi_order = table.names().position(|name| name == "UNIQ");
    // Shares of pixels become densities before any are merged.
    let scale = |piece: Piece| match meaning {
        Meaning::Llh(factor) => 1.0 / factor,
        Meaning::Probability | Meaning::Unnamed => 1.0 / piece.area_sr(),
        Meaning::Density => 1.0,
    };
    let pieces = match multi_order {
        Some(uniq) => multi_order_pieces(&mut table, uniq, column, scale)?,
        None => flat_pieces(&mut table, column, scale)?,
    };
    let pieces = match meaning {
        Meaning::Llh(_) => pieces.mapped(|value| value)?,
        Meaning::Probability | Meaning::Unnamed | Meaning::Density => likelihood(pieces)?,
    };
    let is_own = table.cards.text("LLHDEF") == crate::conventions::LLH;
    let values = match meaning {
        Meaning::Llh(_) => Values::Llh,
        _ if is_own => Values::Llh,
        _ => Values::Probability,
    };
    let mut map = map_of(pieces);
    if values == Values::Llh
        && let Some((pixel, outcome)) = best_beside(&table.cards)
    {
        map.insert(pixel, outcome);
    }
    Ok(file_of(&table.cards, map, values))
}

/// The best pixel, where it is none of the cells; their best one has the llh 0.
fn best_beside(cards: &Cards) -> Option<(Pixel, PixelOutcome)> {
    let nside = u32::try_from(cards.integer(maps::BEST_NSIDE)?).ok()?;
    let below = cards
        .real(maps::BEST_LLH)
        .filter(|llh| *llh > 0.0 && *llh < NOTHING)?;
    let at = Equatorial {
        ra_rad: cards
            .real("RA")
            .filter(|ra| (0.0..=360.0).contains(ra))?
            .to_radians(),
        dec_rad: cards
            .real("DEC")
            .filter(|dec| dec.abs() <= 90.0)?
            .to_radians(),
    };
    let pixel = Nside::try_from(nside).ok()?.containing(at);
    Some((pixel, fitted(-below)))
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meaning {
    /// So many times the llh, or its distance from the best one.
    Llh(f64),
    /// Probability in a pixel.
    Probability,
    /// Probability in a steradian.
    Density,
    /// The one column of a healpy map: a probability if it adds up to one.
    Unnamed,
}

fn meaning(column: &str) -> Option<Meaning> {
    Some(match column {
        "LLH" | "DLLH" => Meaning::Llh(1.0),
        "2LLH" | "2DLLH" => Meaning::Llh(2.0),
        "PROB" | "PROBABILITY" => Meaning::Probability,
        "PROBDENSITY" => Meaning::Density,
        "T" | "TEMPERATURE" | "SIGNAL" | "I_STOKES" => Meaning::Unnamed,
        _ => return None,
    })
}

fn signal<R: Read>(table: &Table<R>) -> Result<(usize, Meaning), String> {
    let found = table
        .names()
        .enumerate()
        .find_map(|(n, name)| Some((n, meaning(name)?)));
    found.ok_or_else(|| {
        let names: Vec<&str> = table.names().collect();
        format!(
            "it has the columns {}, but none of PROB, PROBDENSITY, 2DLLH: it is no map of a direction",
            names.join(", ")
        )
    })
}

fn check_frame(cards: &Cards) -> Result<(), String> {
    let frame = cards.text("COORDSYS");
    match frame {
        "" | "C" | "Q" | "CEL" | "ICRS" | "EQUATORIAL" => {}
        other => return Err(format!("its frame (COORDSYS) is {other:?}, not equatorial")),
    }
    match cards.text("DECSIGN") {
        "" | DECLINATION => Ok(()),
        other => Err(format!("its declination is {other:?}, which is unknown")),
    }
}

fn multi_order_pieces<R: Read>(
    table: &mut Table<R>,
    uniq: usize,
    column: usize,
    scale: impl Fn(Piece) -> f64,
) -> Result<Pieces, String> {
    let mut pieces = Pieces::default();
    while let Some(row) = table.next_row(&[uniq, column])? {
        let [uniqs, values] = row.as_slice() else {
            continue;
        };
        for (uniq, value) in uniqs.iter().zip(values) {
            let piece = uniq.count().and_then(Piece::of_uniq);
            let piece = piece.ok_or_else(|| format!("{uniq:?} is no pixel"))?;
            pieces.push(piece, known(value.real()) * scale(piece))?;
        }
    }
    pieces.sorted()
}

fn flat_pieces<R: Read>(
    table: &mut Table<R>,
    column: usize,
    scale: impl Fn(Piece) -> f64,
) -> Result<Pieces, String> {
    let nested = match table.cards.text("ORDERING") {
        "RING" | "" => false,
        "NESTED" | "NEST" => true,
        other => return Err(format!("its ORDERING is {other:?}, which is unknown")),
    };
    let pixel = table.names().position(|name| name == "PIXEL");
    let explicit = table.cards.text("INDXSCHM") == "EXPLICIT";
    let pixel = match (explicit, pixel) {
        (true, None) => return Err("it has no column PIXEL to tell its pixels".to_owned()),
        (true, pixel) => pixel,
        (false, _) => None,
    };
    let n_values = table.n_rows().saturating_mul(table.repeat(column) as u64);
    let told = table.cards.integer("NSIDE");
    let nside = told.unwrap_or_else(|| (n_values / 12).isqrt());
    let nside = u32::try_from(nside).map_err(|_| format!("its NSIDE is {nside}"))?;
    let nside = Nside::try_from(nside).map_err(|error| error.to_string())?;
    if u32::from(nside) > FINEST_FLAT {
        return Err(format!(
            "it is flat and of NSIDE {nside}, finer than {FINEST_FLAT}: use its multi-order form"
        ));
    }
    let n_pixels = nside.n_pixels();
    if n_values > n_pixels || (pixel.is_none() && n_values != n_pixels) {
        return Err(format!("it has {n_values} values for {n_pixels} pixels"));
    }
    // In the order of NESTED, in which siblings stand together.
    let mut values = vec![f64::NAN; n_pixels as usize];
    let mut next = 0_u64;
    let wanted: Vec<usize> = [column].into_iter().chain(pixel).collect();
    while let Some(row) = table.next_row(&wanted)? {
        let signals = row.first().map_or(&[][..], Vec::as_slice);
        for (n, value) in signals.iter().enumerate() {
            let index = match row.get(1) {
                Some(pixels) => pixels.get(n).copied().and_then(Cell::count),
                None => Some(next),
            };
            next += 1;
            let index = index.filter(|index| *index < n_pixels);
            let index = index.ok_or("it names a pixel that its resolution lacks")?;
            let place = match nested {
                true => index,
                false => Piece::of_ring(nside, index),
            };
            if let Some(slot) = values.get_mut(place as usize) {
                *slot = value.real();
            }
        }
    }
    let mut pieces = Pieces::default();
    for (index, value) in values.into_iter().enumerate() {
        let piece = Piece {
            nside,
            nested: index as u64,
        };
        pieces.push(piece, known(value) * scale(piece))?;
    }
    Ok(pieces)
}

/// Not a number for what healpy calls unseen, or what is none.
fn known(value: f64) -> f64 {
    // Written in single precision as often as not.
    let is_unseen = (value - UNSEEN).abs() <= 1e-6 * UNSEEN.abs();
    if is_unseen || !value.is_finite() {
        return f64::NAN;
    }
    value
}

/// Takes the negative logarithm of densities.
fn likelihood(densities: Pieces) -> Result<Pieces, String> {
    let total = densities.integral();
    if !TOTALS.contains(&total) {
        return Err(format!(
            "its probabilities add up to {total:.4}, not to 1: it is no map of a direction"
        ));
    }
    let most = densities.values().fold(0.0, f64::max);
    densities.mapped(|density| match density {
        some if some > 0.0 => libm::log(most / some).min(NOTHING),
        0.0 => NOTHING,
        // Negative, or unknown.
        _ => f64::NAN,
    })
}

fn map_of(pieces: Pieces) -> SkyMap {
    let mut map = SkyMap::default();
    for (piece, llh) in pieces.iter() {
        map.insert(piece.pixel(), fitted(llh));
    }
    map
}

/// Of which nothing is known but the llh.
fn fitted(llh: f64) -> PixelOutcome {
    PixelOutcome::Fitted(PixelFit {
        llh,
        position_m: [f64::NAN; 3],
        time_ns: f64::NAN,
        energy_inside_gev: None,
        energy_total_gev: None,
    })
}

fn file_of(cards: &Cards, map: SkyMap, values: Values) -> ScanFile {
    let number = |key: &str| cards.integer(key).and_then(|n| u32::try_from(n).ok());
    let text = |key: &str| clean(cards.text(key), LONGEST_NAME);
    let mjd = cards.real("MJD-OBS").or_else(|| cards.real("EVENTMJD"));
    let complete = match cards.text("COMPLETE") {
        "F" => Default::default(),
        _ => map.rounds().keys().copied().collect(),
    };
    ScanFile {
        complete,
        map,
        run_and_event: number("RUNID").zip(number("EVENTID")),
        mjd: mjd.filter(|mjd| mjd.abs() <= super::FARTHEST_MJD),
        stream: text("I3TYPE"),
        reco: text("RECO"),
        numerics: number("NUMERICS"),
        hit_doms: number("HITDOMS").and_then(|n| usize::try_from(n).ok()),
        event_doubts: doubt::named(cards.text("QUALITY")),
        declination: Declination::Standard,
        values,
    }
}
