//! The provider-neutral core of cloud-lb.
