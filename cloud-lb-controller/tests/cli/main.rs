//! The binary as users meet it: what it prints, how it ends, and that it does what it says.

mod demo;
mod live;
mod plan;
mod process;
