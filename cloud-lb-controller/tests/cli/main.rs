//! The binary as users meet it: what it prints, how it ends, and that it does what it says.

#[cfg(test)]
mod access;
#[cfg(test)]
mod aws;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod live;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod process;
#[cfg(test)]
mod replicas;
#[cfg(test)]
mod traces;
