//! The binary; grows with `cli`.
fn main() {}
