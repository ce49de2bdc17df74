//! Decorators around hub and transport: they make the master slower and messages larger, and write
//! down what becomes of each task. What stands above and below knows nothing of them.

pub(in crate::scenario) mod ballast;
pub(in crate::scenario) mod log;
pub(in crate::scenario) mod master;
