//! `cargo run --example first-look`: a broken fleet on an emulated AWS, and Portolan at work on it.
//!
//! Starts moto on a free loopback port (installed below the target folder on first use; needs Python 3), seeds three
//! services, breaks four things, and runs `reconcile --dry-run`, `reconcile --yes` and `drift`. With `-- --keep` the
//! emulator stays until Ctrl-C, so that you can go on yourself.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program is there to be read")]

use std::ffi::OsString;
use std::process::{Command, ExitCode};

/// The emulator and the seeds of the tests, so that what is shown here is what is tested.
#[path = "../tests/suite"]
#[expect(dead_code, reason = "the tests use more of it")]
mod suite {
    pub mod moto;
}

use suite::moto::Moto;
use suite::moto::seed;

/// Set for the copy of this program that stands in for the `portolan` binary.
const STAND_IN: &str = "FIRST_LOOK_IS_PORTOLAN";
const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/localstack/fleet.yaml");

fn main() -> ExitCode {
    if std::env::var_os(STAND_IN).is_some() {
        return portolan::cli::main(std::env::args_os());
    }
    let keep = std::env::args().any(|word| word == "--keep");
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("no runtime: {error}")),
    };
    eprintln!("starting an emulated AWS (moto) and seeding a fleet …");
    let moto = runtime.block_on(seed_broken_fleet());
    eprintln!("seeded, then broken by hand: an ingress rule, a desired count, a health check, a listener rule\n");
    for (words, code) in [("reconcile --dry-run", 1), ("reconcile --yes", 0), ("drift", 0)] {
        if let Err(problem) = show(&moto, words, code) {
            return fail(&problem);
        }
    }
    if keep {
        let endpoint = moto.endpoint();
        eprintln!("The emulator stays until Ctrl-C. In another terminal:\n");
        eprintln!("export AWS_ENDPOINT_URL={endpoint} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test\n");
        // Whatever ends the wait ends the program.
        let _ended = runtime.block_on(tokio::signal::ctrl_c());
    }
    ExitCode::SUCCESS
}

fn fail(problem: &str) -> ExitCode {
    eprintln!("first-look: {problem}");
    ExitCode::FAILURE
}

async fn seed_broken_fleet() -> Moto {
    let moto = Moto::start();
    let fleet = seed::sound_fleet(&moto, &["cart", "catalog", "checkout"]).await;
    let [cart, catalog, checkout] = fleet.services.as_slice() else { return moto };
    fleet.set_count(cart, 0).await;
    fleet.change_health_path(catalog, "/").await;
    fleet.change_rule_path(catalog, "/katalog/*").await;
    fleet.revoke_ingress(checkout).await;
    moto
}

/// Runs one command as a person would, and holds it to the exit code that the README promises.
fn show(moto: &Moto, words: &str, code: i32) -> Result<(), String> {
    let (verb, options) = words.split_once(' ').unwrap_or((words, ""));
    println!("$ portolan {}", [verb, "-f localstack/fleet.yaml", options].join(" ").trim_end());
    let program = std::env::current_exe().map_err(|error| format!("this program cannot be found: {error}"))?;
    let mut arguments = vec![OsString::from(verb), "-f".into(), MANIFEST.into()];
    arguments.extend(options.split_whitespace().map(OsString::from));
    let status = Command::new(program)
        .args(arguments)
        .env(STAND_IN, "1")
        .env("AWS_ENDPOINT_URL", moto.endpoint())
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION")
        .env_remove("AWS_SESSION_TOKEN")
        .status()
        .map_err(|error| format!("portolan does not start: {error}"))?;
    println!();
    if status.code() == Some(code) { Ok(()) } else { Err(format!("expected exit code {code}, got {status}")) }
}
