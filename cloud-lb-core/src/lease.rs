//! Leader election on a Lease, as client-go does it.
//!
//! Several replicas campaign for one Lease; whoever holds it leads and renews it. Nobody compares clocks:
//! a candidate takes over when the Lease has not changed for its whole duration *on the candidate's own
//! monotonic clock*, and the leader stops when it could not renew for the shorter renew deadline, counted
//! from the moment at which it *asked* for its last successful renewal. So the leader stops before another
//! one may start, as long as clocks run at about the same speed.
//!
//! `decide` is pure: the table of what to do with what was seen. `elector` does it. `rival` looks at the Lease of
//! another controller, and writes nothing.

mod decide;
mod elector;
mod options;
mod rival;
mod standing;

pub use self::elector::Elector;
pub use self::options::LeaseOptions;
pub use self::rival::{Rival, RivalStanding};
pub use self::standing::Standing;
