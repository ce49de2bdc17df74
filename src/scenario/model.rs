//! The model of virtual time: fed with what was measured, and compared with it.

pub mod calibration;
mod prediction;
pub mod validation;
