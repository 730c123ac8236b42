//! A cloud in a process.
