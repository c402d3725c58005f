//! Files of other networks, by the names of their tensors: whoever opens one is told what it is.

/// Names of tensors that give a kind of network away: all of a row must occur, each within some name.
const KINDS: [(&str, &[&str]); 14] = [
    ("a LoRA, an addition to another model", &["lora_"]),
    ("a LoRA, an addition to another model", &["hada_w"]),
    ("a Stable Diffusion model", &["model.diffusion_model."]),
    ("a Stable Diffusion model", &["cond_stage_model."]),
    ("a FLUX model", &["double_blocks.", "single_blocks."]),
    ("a part of a diffusion model", &["down_blocks.", "up_blocks."]),
    ("an autoencoder of a diffusion model", &["encoder.down.", "quant_conv."]),
    ("a StyleGAN2", &["style.1.weight", "to_rgb1."]),
    ("a StyleGAN2", &["latent_avg"]),
    ("a StyleGAN", &["G_ema"]),
    ("a StyleGAN", &["synthesis.", "mapping."]),
    ("an encoder for StyleGAN", &["encoder.input_layer.", "encoder.styles."]),
    ("a face swapper or restorer", &["stylegan_decoder."]),
    ("a language model", &["self_attn.q_proj."]),
];

/// What kind of network has these names, where it is one that people try; none for others, and for ours.
pub(super) fn kind_of<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    let names: Vec<_> = names.collect();
    let occurs = |part: &&str| names.iter().any(|name| name.contains(part));
    KINDS.iter().find(|(_, parts)| parts.iter().all(occurs)).map(|(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_networks_are_called_by_their_names() {
        let cases: [(&[&str], &str); 7] = [
            (&["lora_unet_down_blocks_0.lora_down.weight"], "a LoRA"),
            (&["model.diffusion_model.input_blocks.0.0.weight", "cond_stage_model.x"], "a Stable Diffusion"),
            (&["g_ema", "latent_avg", "style.1.weight"], "a StyleGAN2"),
            (&["style.1.weight", "to_rgb1.conv.weight"], "a StyleGAN2"),
            (&["synthesis.b4.const", "mapping.fc0.weight"], "a StyleGAN"),
            (&["base_model.layers.0.self_attn.q_proj.lora_A.weight"], "a LoRA"),
            (&["layers.0.self_attn.q_proj.weight"], "a language model"),
        ];
        for (names, kind) in cases {
            let found = kind_of(names.iter().copied()).unwrap_or_default();
            assert!(found.starts_with(kind), "{names:?}: {found}");
        }
        for names in [&["g_ema", "e_ema", "mapping_z.1.weight", "convs.0.conv1.0.weight"][..], &[], &["weight"]] {
            assert_eq!(kind_of(names.iter().copied()), None, "{names:?}");
        }
    }
}
