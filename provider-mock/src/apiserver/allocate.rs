//! Allocators (local stand-in).
#[derive(Debug, Clone, Default)]
pub(crate) struct Allocators {}
