# What developers run often; `just` lists it. Every recipe is a plain command that can be copied.

[private]
default:
    @just --list --unsorted

# Build the binary with debug information
build:
    cargo build --locked

# Run every test (needs Python 3; the first run installs boto3 and moto into target/)
test *FILTER:
    cargo test --locked {{FILTER}}

# Run the tests that need no AWS SDK: planner, cases, manifests, documents
lean *FILTER:
    cargo test --locked --no-default-features {{FILTER}}

# The same with the sandbox: worlds, and the sandbox's own tests
sandbox *FILTER:
    cargo test --locked --no-default-features --features sandbox {{FILTER}}

# Write the expected plans of cases and the pages that are made from tables; then read the difference
expect *FILTER:
    UPDATE_EXPECT=1 cargo test --locked {{FILTER}}

# Format, and check lints with warnings denied
lint:
    cargo fmt --all -- --check
    cargo clippy --locked --all-targets -- -D warnings

# Build the documentation of the library with warnings denied
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --lib

# Check licences, sources, duplicate and vulnerable dependencies (needs cargo-deny)
deny:
    cargo deny --locked check

# Send requests through emulators with real containers (needs a Docker engine)
e2e *TESTS:
    bash tests/e2e/run {{TESTS}}

# Keep the service running on the sandbox while things drift: memory and descriptors must stay flat
soak MINUTES="20":
    SOAK_MINUTES={{MINUTES}} cargo test --locked --test suite -- --ignored --nocapture soak

# Try every fault at every call of every world, as long as MINUTES allow
faults MINUTES="10":
    FAULTS_MINUTES={{MINUTES}} cargo test --locked --profile faults --test suite -- --ignored --nocapture fault_matrix

# Measure (a test never asserts a time)
bench *NAME:
    cargo bench --locked {{ if NAME == "" { "" } else { "--bench " + NAME } }}

# Everything that must hold before a change lands
ci:
    bash .ci/run
