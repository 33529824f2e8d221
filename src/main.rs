//! The binary; everything it does is in [`portolan::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    portolan::cli::main(std::env::args_os())
}
