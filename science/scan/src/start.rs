//! Where the minimisation in a pixel may begin: the optima of the coarser round around it.
//!
//! Only coarser rounds count, so a pixel's result does not depend on which of its own round came
//! first.

use skyscan_event::DetectorDirection;
use skyscan_reco::{PixelRequest, VertexSeed};
use skyscan_sky::Pixel;
use skyscan_sky::map::{PixelFit, PixelOutcome, SkyMap};

/// The request for one pixel, whose centre lies at `direction` in the detector's coordinates.
pub fn request(map: &SkyMap, pixel: Pixel, direction: DetectorDirection) -> PixelRequest {
    let coarser = map
        .rounds()
        .keys()
        .rev()
        .filter(|nside| **nside < pixel.nside);
    let seeds = coarser
        .map(|nside| around(map, pixel.parent(*nside)))
        .find(|seeds| !seeds.is_empty())
        .unwrap_or_default();
    PixelRequest { direction, seeds }
}

/// The request for a pixel that is looked at again: it begins where the first look ended, there and beside; where
/// there was none, as the first look would.
pub fn again(map: &SkyMap, pixel: Pixel, direction: DetectorDirection) -> PixelRequest {
    match around(map, pixel) {
        seeds if seeds.is_empty() => request(map, pixel, direction),
        seeds => PixelRequest { direction, seeds },
    }
}

/// The optimum of a pixel and the best one among its neighbours'.
fn around(map: &SkyMap, pixel: Pixel) -> Vec<VertexSeed> {
    let fitted = |pixel: &Pixel| match map.get(*pixel) {
        Some(PixelOutcome::Fitted(fit)) => Some(fit),
        Some(PixelOutcome::Failed(_)) | None => None,
    };
    let neighbours = pixel.neighbours();
    let best_beside = neighbours
        .iter()
        .filter_map(fitted)
        .min_by(|a, b| a.llh.total_cmp(&b.llh));
    let seed = |fit: &PixelFit| VertexSeed {
        position_m: fit.position_m,
        time_ns: fit.time_ns,
    };
    fitted(&pixel)
        .into_iter()
        .chain(best_beside)
        .map(seed)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyscan_sky::{Equatorial, Nside};

    const CENTER: Equatorial = Equatorial {
        ra_rad: 1.0,
        dec_rad: 0.3,
    };
    const DIRECTION: DetectorDirection = DetectorDirection {
        zenith_rad: 1.0,
        azimuth_rad: 2.0,
    };

    fn pixel(nside: u32) -> Pixel {
        Nside::try_from(nside).unwrap().containing(CENTER)
    }

    /// With a number by which its vertex is known.
    fn fit(llh: f64, number: f64) -> PixelOutcome {
        PixelOutcome::Fitted(PixelFit {
            llh,
            position_m: [number, 0.0, 0.0],
            time_ns: 100.0 * number,
            energy_inside_gev: None,
            energy_total_gev: None,
        })
    }

    /// A round in which the pixel at the centre, and three beside it, have these numbers and the next ones.
    fn enter_round(map: &mut SkyMap, nside: u32, first: f64) {
        let middle = pixel(nside);
        map.insert(middle, fit(5.0, first));
        let llhs = [4.0, 2.0, 3.0];
        for (n, (beside, llh)) in middle.neighbours().into_iter().zip(llhs).enumerate() {
            map.insert(beside, fit(llh, first + 1.0 + n as f64));
        }
    }

    fn numbers(request: &PixelRequest) -> Vec<f64> {
        assert_eq!(request.direction, DIRECTION);
        let number = |seed: &VertexSeed| {
            assert_eq!(seed.time_ns, 100.0 * seed.position_m[0]);
            seed.position_m[0]
        };
        request.seeds.iter().map(number).collect()
    }

    #[test]
    fn a_fit_begins_where_the_next_coarser_pixel_ended_and_at_the_best_beside_it() {
        let mut map = SkyMap::default();
        assert_eq!(numbers(&request(&map, pixel(16), DIRECTION)), [0.0; 0]);
        enter_round(&mut map, 4, 10.0);
        enter_round(&mut map, 8, 20.0);
        // Of its own round only others may be there already.
        enter_round(&mut map, 16, 30.0);
        assert_eq!(numbers(&request(&map, pixel(16), DIRECTION)), [20.0, 22.0]);
    }

    #[test]
    fn where_all_around_failed_the_round_before_tells() {
        let mut map = SkyMap::default();
        enter_round(&mut map, 4, 10.0);
        let middle = pixel(8);
        for failed in middle.neighbours().into_iter().chain([middle]) {
            map.insert(failed, PixelOutcome::Failed("no light".to_owned()));
        }
        assert_eq!(numbers(&request(&map, pixel(16), DIRECTION)), [10.0, 12.0]);
    }

    #[test]
    fn a_second_look_begins_where_the_first_ended() {
        let mut map = SkyMap::default();
        enter_round(&mut map, 4, 10.0);
        assert_eq!(numbers(&again(&map, pixel(8), DIRECTION)), [10.0, 12.0]);
        enter_round(&mut map, 8, 20.0);
        assert_eq!(numbers(&again(&map, pixel(8), DIRECTION)), [20.0, 22.0]);
    }
}
