# What is done often; `just` alone lists it. Always in release (the networks are too slow without optimisation) and for the
# whole workspace (a package alone builds its dependencies again, with other features).

set positional-arguments

_default:
    @just --list --unsorted

# Open the editor, or run a command: `just run info`
run *arguments:
    cargo run --release -- "$@"

# Every test, or one file's, or those of a name: `just test --test editor`, `just test brush`
test *arguments:
    cargo test --release --workspace "$@"

# What is quick to check: formatting, lints, spelling, dependencies, the training recipe's Python
check:
    cargo fmt --all --check
    cargo clippy --release --workspace --all-targets -- -D warnings
    cargo clippy --release --workspace --all-targets --no-default-features -- -D warnings
    typos
    cargo deny check bans licenses sources
    ruff check weights/train
    ruff format --check weights/train

# Everything that must hold before a change goes in: what the server runs
ci:
    .ci/run

# Kernels and frames against references in the same run, or one group: `just bench kernels`
bench *group:
    cargo bench --workspace --bench ratios -- "$@"

# Draw the pictures anew that the window's tests compare with; look at what changed before it is committed
snapshots *tests:
    UPDATE_SNAPSHOTS=1 cargo test --release --workspace --test editor -- "$@"
    git status --short tests/snapshots

# The documentation of both crates, private parts included
docs:
    cargo doc --release --workspace --no-deps --document-private-items --open
