//! The one offline test binary: each extra one would link the SDK again.

mod apply;
mod manifest;
mod report;
