//! First guesses that come with an event: fitted particles and vertices.

use std::collections::BTreeMap;
use std::f64::consts::{PI, TAU};

use super::archive::{Archive, Class, class_name};
use super::frame::Frame;
use super::limits::MAX_TIME_NS;
use super::read_error::{Cause, Fault};
use super::series::Scope;
use super::{DetectorDirection, Seed};

const PARTICLE: &str = "I3Particle";
const POSITION: &str = "I3Position";
const DOUBLE: &str = "I3Double";
/// A vertex is a position and a time whose keys differ in these ends only, such as
/// `HESE_VHESelfVetoVertexPos` and `HESE_VHESelfVetoVertexTime`, or a scanner's `SeedVertexPos`
/// and `SeedVertexTime`.
const VERTEX_ENDS: (&str, &str) = ("Pos", "Time");

const PARTICLE_VERSIONS: std::ops::RangeInclusive<u64> = 2..=5;
/// Fit states above this one mean that the fit failed.
const FIT_OK: i32 = 0;

/// Every guess with a finite position and time, ordered by name.
///
/// Failed fits keep their position and lose their direction. Particles in a form that is not read
/// are left out: a guess less does not hurt.
pub(super) fn seeds(scope: Scope<'_>) -> Result<Vec<Seed>, Fault> {
    let mut found: BTreeMap<String, Seed> = BTreeMap::new();
    // The physics frame comes last and wins.
    for frame in [scope.readout, Some(scope.physics)].into_iter().flatten() {
        for (key, blob) in frame.objects() {
            let seed = match class_name(blob) {
                Some(PARTICLE) => particle(key, blob),
                Some(POSITION) => vertex(key, blob, frame),
                _ => continue,
            };
            let seed = match seed {
                Err(Cause::ClassVersion { .. }) => None,
                other => other.map_err(|cause| cause.at_key(key).in_frame(frame.place))?,
            };
            if let Some(seed) = seed.filter(is_usable) {
                found.insert(seed.name.clone(), seed);
            }
        }
    }
    Ok(found.into_values().collect())
}

fn is_usable(seed: &Seed) -> bool {
    // A kilometre-sized detector: positions of a thousand kilometres are as bad as none.
    const FAR_M: f64 = 1e6;
    seed.position_m.iter().all(|x| x.abs() <= FAR_M) && seed.time_ns.abs() <= MAX_TIME_NS
}

fn particle(key: &str, blob: &[u8]) -> Result<Option<Seed>, Cause> {
    let (mut archive, version) = Archive::open(blob, PARTICLE)?;
    if !PARTICLE_VERSIONS.contains(&version) {
        return Err(Cause::ClassVersion {
            class: PARTICLE,
            version,
        });
    }
    archive.frame_object()?;
    let _minor = archive.i32()?;
    let _major = archive.i64()?;
    let _kind = archive.i32()?;
    let _shape = archive.i32()?;
    let fit_status = archive.i32()?;
    archive.enter(Class::Position)?;
    let position_m = coordinates(&mut archive)?;
    archive.enter(Class::Direction)?;
    archive.frame_object()?;
    let (zenith_rad, azimuth_rad) = (archive.f64()?, archive.f64()?);
    let time_ns = archive.f64()?;
    let _energy_length_speed = (archive.f64()?, archive.f64()?, archive.f64()?);
    let _location = archive.i32()?;
    archive.finish()?;
    let direction = direction(zenith_rad, azimuth_rad).filter(|_| fit_status <= FIT_OK);
    Ok(Some(Seed {
        name: key.to_owned(),
        direction,
        position_m,
        time_ns,
    }))
}

fn direction(zenith_rad: f64, azimuth_rad: f64) -> Option<DetectorDirection> {
    if !(0.0..=PI).contains(&zenith_rad) || !azimuth_rad.is_finite() {
        return None;
    }
    let wrapped = azimuth_rad.rem_euclid(TAU);
    // Rounding can carry a tiny negative angle up to the full turn.
    let azimuth_rad = if wrapped < TAU { wrapped } else { 0.0 };
    Some(DetectorDirection {
        zenith_rad,
        azimuth_rad,
    })
}

fn vertex(key: &str, blob: &[u8], frame: &Frame) -> Result<Option<Seed>, Cause> {
    let Some(name) = key.strip_suffix(VERTEX_ENDS.0) else {
        return Ok(None);
    };
    let Some(time) = frame.get(&format!("{name}{}", VERTEX_ENDS.1)) else {
        return Ok(None);
    };
    if class_name(time) != Some(DOUBLE) {
        return Ok(None);
    }
    let (mut archive, version) = Archive::open(blob, POSITION)?;
    if version > 0 {
        return Err(Cause::ClassVersion {
            class: POSITION,
            version,
        });
    }
    let position_m = coordinates(&mut archive)?;
    archive.finish()?;
    let (mut archive, _version) = Archive::open(time, DOUBLE)?;
    archive.frame_object()?;
    let time_ns = archive.f64()?;
    archive.finish()?;
    Ok(Some(Seed {
        name: name.to_owned(),
        direction: None,
        position_m,
        time_ns,
    }))
}

fn coordinates(archive: &mut Archive<'_>) -> Result<[f64; 3], Cause> {
    archive.frame_object()?;
    Ok([archive.f64()?, archive.f64()?, archive.f64()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_azimuths_and_drops_impossible_directions() {
        assert_eq!(direction(1.0, -PI).map(|d| d.azimuth_rad), Some(PI));
        assert_eq!(direction(1.0, -1e-300).map(|d| d.azimuth_rad), Some(0.0));
        assert_eq!(direction(0.0, 0.0).map(|d| d.zenith_rad), Some(0.0));
        assert_eq!(direction(f64::NAN, 0.0), None);
        assert_eq!(direction(1.0, f64::NAN), None);
        assert_eq!(direction(3.2, 1.0), None);
    }
}
