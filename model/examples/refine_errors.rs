//! How near refined faces come to their photos, and what that takes: `cargo run --release --example refine_errors -- MODEL DIR LPIPS
//! STEPS [RATE [PRIOR]]`. DIR holds aligned pictures. Every face is refined twice, from the encoder alone and, where the model has one, from its
//! fine encoder; time is told in full decodes of the same run.

#![allow(clippy::print_stdout, missing_docs)]

use std::error::Error;
use std::time::Instant;

use stylemap::checkpoint::Checkpoint;
use stylemap::engine::Cancel;
use stylemap::latent::{Latent, Residuals, stylemap_values};
use stylemap::metrics::{Lpips, pillow};
use stylemap::model::{DeviceChoice, DtypeChoice, Model};
use stylemap::photo;
use stylemap::refine::{RefineOptions, Refinement};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Mean square error and LPIPS.
fn errors(model: &Model, lpips: &Lpips, latent: &Latent, photo: &candle_core::Tensor) -> stylemap::Result<[f64; 2]> {
    let mut codes = model.generator.style_codes(&model.stylemap_from_values(latent.stylemap.clone())?)?;
    if let Some(residuals) = &latent.residuals {
        model.generator.add_residuals(&mut codes, &model.place_residuals(residuals, 1.0)?)?;
    }
    let picture = model.generator.decode_codes(&codes)?.clamp(-1f32, 1f32)?;
    let mse = (&picture - photo)?.sqr()?.mean_all()?.to_scalar::<f32>()?;
    Ok([f64::from(mse), lpips.distance(&lpips.features(&picture)?, &lpips.features(photo)?)?])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, folder, lpips, steps, numbers @ ..] = arguments.as_slice() else {
        return Err("MODEL DIR LPIPS STEPS [RATE [PRIOR]]".into());
    };
    let model = Model::new(&Checkpoint::load(model.as_ref())?, DeviceChoice::Cpu, DtypeChoice::F32)?;
    let lpips = Lpips::load(lpips.as_ref(), model.device())?;
    let steps: usize = steps.parse()?;
    let numbers = numbers.iter().map(|number| number.parse()).collect::<Result<Vec<f64>, _>>()?;
    let cancel = Cancel::default();
    let mut files: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    files.sort_by_key(std::fs::DirEntry::path);
    let mut table: Vec<(&str, Vec<[f64; 5]>)> = vec![("encoder", Vec::new()), ("fine encoder", Vec::new())];
    for file in files {
        let crop = pillow::lanczos(&photo::load(file.path())?, u32::try_from(model.config.size)?);
        let photo = model.place(&photo::to_tensor(&crop, model.config.size)?)?;
        let (stylemap, residuals): (_, Option<Residuals>) = model.encode(&photo, &cancel)?;
        let alone = Latent::of_stylemap(stylemap_values(&stylemap)?);
        let starts = [Some(alone.clone()), residuals.map(|found| Latent { residuals: Some(found), ..alone })];
        for ((name, rows), start) in table.iter_mut().zip(starts) {
            let Some(start) = start else { continue };
            let before = errors(&model, &lpips, &start, &photo)?;
            let mut options = RefineOptions::of(&start).with_steps(steps);
            options.learning_rate = numbers.first().copied().unwrap_or(options.learning_rate);
            options.prior = numbers.get(1).copied().unwrap_or(options.prior);
            let mut refinement = Refinement::new(&model, &crop, &start, options, &cancel)?;
            // Steps and decodes in turn, so that both see the same machine.
            let (mut refining, mut decoding) = (Vec::new(), Vec::new());
            while refinement.steps_done() < steps {
                let begin = Instant::now();
                refinement.step(&model, &cancel)?;
                refining.push(begin.elapsed().as_secs_f64());
                if refinement.steps_done() % 4 == 1 {
                    let begin = Instant::now();
                    model.generator.decode(&stylemap)?;
                    decoding.push(begin.elapsed().as_secs_f64());
                }
            }
            let decodes = median(refining) / median(decoding) * steps as f64;
            let latent = refinement.finish(&model, &cancel)?;
            let after = errors(&model, &lpips, &latent, &photo)?;
            let row = [before[0], before[1], after[0], after[1], decodes];
            println!("{:<28} {name:<14}{row:.4?}", file.file_name().to_string_lossy());
            rows.push(row);
        }
    }
    println!("{:<14}{:>6}{:>10}{:>10}{:>10}{:>10}{:>10}", "from", "n", "MSE", "LPIPS", "MSE", "LPIPS", "decodes");
    for (name, rows) in table {
        let mean = |column: usize| rows.iter().map(|row| row[column]).sum::<f64>() / rows.len().max(1) as f64;
        let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(mean);
        println!("{name:<14}{:>6}{a:>10.5}{b:>10.4}{c:>10.5}{d:>10.4}{e:>10.1}", rows.len());
    }
    Ok(())
}
