//! The embedded API as controllers see it: a kube client over the tower service.

#[path = "apiserver/arbitrary.rs"]
mod arbitrary;
#[path = "apiserver/deletion.rs"]
mod deletion;
#[path = "apiserver/faults.rs"]
mod faults;
#[path = "apiserver/helpers.rs"]
mod helpers;
#[path = "apiserver/listing.rs"]
mod listing;
#[path = "apiserver/patches.rs"]
mod patches;
#[path = "support/refused.rs"]
mod refused;
#[path = "apiserver/reviews.rs"]
mod reviews;
#[path = "apiserver/serving.rs"]
mod serving;
#[path = "apiserver/watching.rs"]
mod watching;
#[path = "apiserver/writes.rs"]
mod writes;
