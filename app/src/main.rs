//! Stylebrush: a real-time desktop editor for faces. Without a subcommand the editor opens; the subcommands do the same work
//! without a window.

mod cli;
mod model_source;

/// Every tensor operation allocates its output; fresh pages from the system allocator cost more than the arithmetic.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
