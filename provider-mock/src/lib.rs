//! A cloud in a process.
mod apiserver;
