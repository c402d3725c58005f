#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr)]
use std::sync::Arc;
use std::time::Instant;
use stylemap::{checkpoint::Checkpoint, engine::*, *};
fn main() {
    let which = std::env::args().nth(1).unwrap_or("default".into());
    let t = Instant::now();
    let ck = if which == "default" {
        Checkpoint::load("weights/default.safetensors".as_ref()).unwrap()
    } else {
        Checkpoint::random(Config::published(256, 2, false), 1).unwrap()
    };
    eprintln!("load {:?}", t.elapsed());
    let t = Instant::now();
    let mut e = Engine::new(ck, DeviceChoice::Cpu, DtypeChoice::F32).unwrap();
    eprintln!("engine {:?}", t.elapsed());
    let a = photo::load("assets/demo/female_005.png".as_ref()).unwrap();
    let b = photo::load("assets/demo/male_005.png".as_ref()).unwrap();
    let n = if which == "default" { 20 } else { 3 };
    for _ in 0..3 {
        let t = Instant::now();
        e.add_face(FaceId(1), &a).unwrap();
        eprintln!("encode {:?}", t.elapsed());
    }
    e.add_face(FaceId(2), &b).unwrap();
    for _ in 0..3 {
        let t = Instant::now();
        let w = e.stylemap(FaceId(1)).unwrap().clone();
        e.model().generator.decode(&w).unwrap();
        eprintln!("decode {:?}", t.elapsed());
    }
    let mut v = vec![0u8; 512 * 512];
    for i in 0..n {
        for y in 0..512usize {
            for x in 0..512usize {
                let d = ((x as f32 - 100. - 10. * i as f32).powi(2) + (y as f32 - 256.).powi(2)).sqrt();
                if d < 40. {
                    v[y * 512 + x] = v[y * 512 + x].max(((40. - d) * 25.).min(255.) as u8);
                }
            }
        }
        let t = Instant::now();
        let m = Arc::new(Mask::from_u8(512, &v).unwrap());
        let tm = t.elapsed();
        let s = Scene {
            layers: vec![Layer { face: FaceId(2), mask: m, offset_px: (0, 0), strength: 1., feather_px: 0. }],
            ..Scene::face(FaceId(1))
        };
        let f = e.render(&s, &Cancel::default()).unwrap();
        eprintln!("mask {tm:?} {:?}", f.timings);
        image::save_buffer("/tmp/frame.png", &f.rgba, f.size_px as u32, f.size_px as u32, image::ColorType::Rgba8)
            .unwrap();
    }
}
