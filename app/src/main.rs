//! Stylebrush: a real-time desktop editor for faces. Without a subcommand the editor opens; the subcommands do the same work
//! without a window.

mod cli;
mod model_source;

/// Every tensor operation allocates its output; fresh pages from the system allocator cost more than the arithmetic.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Names what is logged, as `RUST_LOG` does elsewhere: `warn`, or `stylebrush_app=debug,wgpu=info`. Unset, nothing is: what
/// the user must know is said in the window, or in the one sentence of a failed command.
const LOG_VARIABLE: &str = "STYLEBRUSH_LOG";

fn main() -> std::process::ExitCode {
    env_logger::Builder::from_env(env_logger::Env::new().filter_or(LOG_VARIABLE, "off")).init();
    cli::main()
}
