//! `info`: what the model is.

use clap::Args;
use stylemap::config::FineEncoderConfig;
use stylemap::model::ModelInfo;

use super::session::Session;
use super::{CommonOptions, print_line};

const EXAMPLES: &str = "\
Examples:
  stylebrush info
  stylebrush info --model celeba.safetensors --json";

/// What `info` takes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct InfoArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `info`.
pub fn run(common: &CommonOptions, args: &InfoArgs) -> anyhow::Result<()> {
    let info = Session::open(common)?.engine.info();
    if args.json {
        return print_line(&serde_json::to_string_pretty(&info)?);
    }
    readable(&info).iter().try_for_each(|line| print_line(line))
}

fn readable(info: &ModelInfo) -> Vec<String> {
    let ModelInfo { config, .. } = info;
    let (size, base) = (config.size, config.base);
    let mut lines = vec![info.name.clone()];
    let mut line = |label: &str, value: &str| lines.push(format!("  {label:<17}{value}"));
    line("pictures", &format!("{size} x {size} px"));
    line("stylemap", &format!("{base} x {base} x {}", config.style_dim));
    line("generator", &millions(info.generator_parameters));
    line("encoder", &millions(info.encoder_parameters));
    let fine_encoder = match &config.fine_encoder {
        Some(FineEncoderConfig { passes: 1, .. }) => format!("{}, 1 pass", millions(info.fine_encoder_parameters)),
        Some(fine) => format!("{}, {} passes", millions(info.fine_encoder_parameters), fine.passes),
        None => "none: faces are what the encoder alone makes of their photos".to_owned(),
    };
    line("fine encoder", &fine_encoder);
    let mapping = match (info.mapping_is_trained, info.component_count) {
        (true, _) => "trained: faces are sampled from it",
        (false, 0) => "untrained: this model cannot sample",
        (false, _) => "untrained: faces are sampled from the components",
    };
    line("mapping network", &format!("{} layers, {mapping}", config.mapping_layers));
    line("components", &info.component_count.to_string());
    let directions: Vec<_> = info.directions.iter().map(|direction| direction.name.as_str()).collect();
    let directions = if directions.is_empty() { "none".to_owned() } else { directions.join(", ") };
    line("directions", &directions);
    line("trained on", info.trained_on.as_deref().unwrap_or("not said"));
    line("licence", info.license.as_deref().unwrap_or("not said"));
    line("hash", &info.hash);
    line("device", &format!("{}, {}, {} CPU threads", info.device, info.dtype, info.threads));
    line("kernels", &info.kernels);
    lines.push("  channels per level (px: main path, style codes, encoder)".to_owned());
    for level in std::iter::once(base).chain(config.levels()) {
        let width = |widths: &std::collections::BTreeMap<usize, usize>| widths.get(&level).copied().unwrap_or_default();
        let [main, codes, encoder] = [&config.channels, &config.codes, &config.encoder_channels].map(width);
        lines.push(format!("  {level:>6}:{main:>6}{codes:>6}{encoder:>6}"));
    }
    lines
}

fn millions(parameters: usize) -> String {
    format!("{:.1} million parameters", parameters as f64 / 1e6)
}
