//! Checkpoints made by hand, in both containers: what is read, and what is refused with which sentence.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

const BOTH: [TorchFormat; 2] = [TorchFormat::Legacy, TorchFormat::Zip];

/// Pieces of pickles, each pushing one value.
mod push {
    pub(super) fn text(text: &str) -> Vec<u8> {
        [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
    }

    pub(super) fn integer(value: i64) -> Vec<u8> {
        [b"\x8a\x08".as_slice(), &value.to_le_bytes()].concat()
    }

    pub(super) fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
        [b"(".as_slice(), &items.concat(), b"t"].concat()
    }

    pub(super) fn list(items: &[Vec<u8>]) -> Vec<u8> {
        [b"](".as_slice(), &items.concat(), b"e"].concat()
    }

    pub(super) fn call(module: &str, name: &str, arguments: &[Vec<u8>]) -> Vec<u8> {
        [global(module, name), tuple(arguments), b"R".to_vec()].concat()
    }

    pub(super) fn global(module: &str, name: &str) -> Vec<u8> {
        format!("c{module}\n{name}\n").into_bytes()
    }

    pub(super) fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let entries = entries.iter().flat_map(|(key, value)| [text(key), value.clone()]);
        [b"}(".as_slice(), &entries.collect::<Vec<_>>().concat(), b"u"].concat()
    }

    pub(super) fn ordered_dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let [_, rest @ ..] = &*dict(entries) else { unreachable!() };
        [&call("collections", "OrderedDict", &[]), rest].concat()
    }

    pub(super) fn integers(values: &[i64]) -> Vec<u8> {
        tuple(&values.iter().copied().map(integer).collect::<Vec<_>>())
    }

    pub(super) fn storage(kind: &str, key: &str, elements: i64) -> Vec<u8> {
        let parts =
            [text("storage"), global("torch", kind), text(key), text("cuda:0"), integer(elements), b"N".to_vec()];
        [tuple(&parts), b"Q".to_vec()].concat()
    }

    pub(super) fn tensor(storage: Vec<u8>, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
        let hooks = call("collections", "OrderedDict", &[]);
        let parts = [storage, integer(offset), integers(shape), integers(strides), b"\x89".to_vec(), hooks];
        call("torch._utils", "_rebuild_tensor_v2", &parts)
    }
}

fn pickle(value: Vec<u8>) -> Vec<u8> {
    [b"\x80\x02".as_slice(), &value, b"."].concat()
}

/// A storage for a container: its key, the width of its elements, its bytes.
type Stored<'a> = (&'a str, usize, Vec<u8>);

fn legacy_file(object: &[u8], storages: &[Stored<'_>]) -> Vec<u8> {
    let mut file = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.".to_vec();
    file.extend(pickle(push::dict(&[("protocol_version", push::integer(1001)), ("little_endian", b"\x88".to_vec())])));
    file.extend_from_slice(object);
    file.extend(pickle(push::list(&storages.iter().map(|(key, ..)| push::text(key)).collect::<Vec<_>>())));
    for (_, width, bytes) in storages {
        file.extend_from_slice(&((bytes.len() / width) as i64).to_le_bytes());
        file.extend_from_slice(bytes);
    }
    file
}

fn zip_entries(entries: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn zip_file(object: &[u8], storages: &[Stored<'_>], method: CompressionMethod) -> Vec<u8> {
    let names: Vec<String> = storages.iter().map(|(key, ..)| format!("archive/data/{key}")).collect();
    let mut entries: Vec<(&str, &[u8])> = vec![("archive/data.pkl", object), ("archive/byteorder", b"little")];
    entries.extend(names.iter().zip(storages).map(|(name, (.., bytes))| (name.as_str(), bytes.as_slice())));
    zip_entries(&entries, method)
}

fn file(format: TorchFormat, object: &[u8], storages: &[Stored<'_>]) -> Vec<u8> {
    match format {
        TorchFormat::Legacy => legacy_file(object, storages),
        TorchFormat::Zip => zip_file(object, storages, CompressionMethod::Stored),
    }
}

fn read_bytes(bytes: &[u8]) -> Outcome<TorchCheckpoint> {
    read_stream(Cursor::new(bytes), bytes.len() as u64)
}

fn reason(bytes: &[u8]) -> String {
    match read_bytes(bytes) {
        Err(Failure::Reason(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// `0, 1, 2, …` as f32.
fn counted(count: usize) -> Vec<u8> {
    floats(&(0..count).map(|value| value as f32).collect::<Vec<_>>())
}

/// A checkpoint with nothing but `g_ema.x`.
fn with_x(x: Vec<u8>) -> Vec<u8> {
    pickle(push::dict(&[("g_ema", push::ordered_dict(&[("x", x)])), ("e_ema", push::ordered_dict(&[]))]))
}

#[test]
fn gathers_any_strides_and_offset() {
    struct Case {
        offset: i64,
        shape: &'static [i64],
        strides: &'static [i64],
        expected: &'static [f32],
    }
    let cases = [
        Case { offset: 0, shape: &[12], strides: &[1], expected: &[0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11.] },
        Case { offset: 5, shape: &[], strides: &[], expected: &[5.] },
        Case { offset: 11, shape: &[1, 1], strides: &[99, i64::MAX], expected: &[11.] },
        Case { offset: 1, shape: &[3, 2], strides: &[1, 3], expected: &[1., 4., 2., 5., 3., 6.] },
        Case { offset: 0, shape: &[2, 2, 2], strides: &[6, 2, 1], expected: &[0., 1., 2., 3., 6., 7., 8., 9.] },
        Case { offset: 0, shape: &[2, 1, 3], strides: &[3, 7, 1], expected: &[0., 1., 2., 3., 4., 5.] },
        Case { offset: 2, shape: &[2, 3], strides: &[0, 4], expected: &[2., 6., 10., 2., 6., 10.] },
        Case { offset: 2, shape: &[2, 2, 2], strides: &[1, 2, 4], expected: &[2., 6., 4., 8., 3., 7., 5., 9.] },
        Case { offset: 0, shape: &[3, 0], strides: &[1, 1], expected: &[] },
        Case { offset: 0, shape: &[0, 1 << 62, 1 << 62], strides: &[1, 1 << 62, 1], expected: &[] },
    ];
    for Case { offset, shape, strides, expected } in cases {
        for format in BOTH {
            let x = push::tensor(push::storage("FloatStorage", "7", 12), offset, shape, strides);
            let checkpoint = read_bytes(&file(format, &with_x(x), &[("7", 4, counted(12))])).unwrap();
            let shape = shape.iter().map(|size| *size as usize).collect();
            let expected = TorchTensor { dtype: DType::F32, shape, data: floats(expected) };
            assert!(checkpoint.tensors["g_ema.x"] == expected, "{strides:?}");
            assert_eq!(checkpoint.format, format);
        }
    }
}

#[test]
fn reads_the_floating_point_types_and_leaves_out_others() {
    struct Case {
        kind: &'static str,
        width: usize,
        stored: Vec<u8>,
        expected: Option<(DType, Vec<u8>)>,
    }
    let doubles = [0.1_f64, -3.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let cases = [
        Case { kind: "FloatStorage", width: 4, stored: counted(2), expected: Some((DType::F32, counted(2))) },
        Case { kind: "DoubleStorage", width: 8, stored: doubles, expected: Some((DType::F32, floats(&[0.1, -3.0]))) },
        Case {
            kind: "HalfStorage",
            width: 2,
            stored: vec![1, 2, 3, 4],
            expected: Some((DType::F16, vec![1, 2, 3, 4])),
        },
        Case {
            kind: "BFloat16Storage",
            width: 2,
            stored: vec![1, 2, 3, 4],
            expected: Some((DType::BF16, vec![1, 2, 3, 4])),
        },
        Case { kind: "LongStorage", width: 8, stored: vec![0; 16], expected: None },
        Case { kind: "BoolStorage", width: 1, stored: vec![0; 2], expected: None },
    ];
    for Case { kind, width, stored, expected } in cases {
        for format in BOTH {
            let x = push::tensor(push::storage(kind, "7", 2), 0, &[2], &[1]);
            let checkpoint = read_bytes(&file(format, &with_x(x), &[("7", width, stored.clone())])).unwrap();
            let x = checkpoint.tensors.get("g_ema.x").map(|x| (x.dtype, x.data.clone()));
            assert!(x == expected, "{kind}");
        }
    }
}

#[test]
fn takes_only_what_is_used() {
    let storage = |key: &str| push::storage("FloatStorage", key, 2);
    let tensor = |key: &str| push::tensor(storage(key), 0, &[2], &[1]);
    let parameter = push::call("torch._utils", "_rebuild_parameter", &[tensor("c"), b"\x88".to_vec(), b"}".to_vec()]);
    let size = push::call("torch", "Size", &[push::integers(&[2])]);
    let sized = [storage("a"), push::integer(0), size, push::integers(&[1])];
    let namespace = push::dict(&[
        ("size", push::integer(256)),
        ("lr_mul", [b"G".as_slice(), &0.01_f64.to_be_bytes()].concat()),
        ("small_generator", b"\x89".to_vec()),
        ("ckpt", b"N".to_vec()),
        ("dataset", push::text("celeba_hq")),
        ("device", push::call("torch", "device", &[push::text("cuda"), push::integer(1)])),
        ("betas", push::integers(&[1, 2])),
        ("command", push::call("os", "system", &[push::text("true")])),
    ]);
    let object = pickle(push::dict(&[
        ("generator", push::ordered_dict(&[("x", tensor("b")), ("y", tensor("gone"))])),
        ("g_ema", push::ordered_dict(&[("first", b"N".to_vec())])),
        (
            "g_ema",
            push::ordered_dict(&[
                ("x", tensor("a")),
                ("tied", push::call("torch._utils", "_rebuild_tensor_v2", &sized)),
            ]),
        ),
        ("e_ema", push::dict(&[("y", parameter), ("epoch", push::integer(3))])),
        ("train_args", [b"cargparse\nNamespace\n)\x81".as_slice(), &namespace, b"b"].concat()),
    ]));
    let storages = [
        ("a", 4, floats(&[1.0, 2.0])),
        ("b", 4, floats(&[3.0, 4.0])),
        ("c", 4, floats(&[5.0, 6.0])),
        ("gone", 4, floats(&[7.0, 8.0])),
    ];
    // The archive may lack what is not used; the stream cannot.
    for bytes in [legacy_file(&object, &storages), zip_file(&object, &storages[..3], CompressionMethod::Deflated)] {
        let checkpoint = read_bytes(&bytes).unwrap();
        let tensors: Vec<_> =
            checkpoint.tensors.iter().map(|(key, tensor)| (key.as_str(), tensor.data.clone())).collect();
        let (first, third) = (floats(&[1.0, 2.0]), floats(&[5.0, 6.0]));
        assert!(tensors == [("e_ema.y", third), ("g_ema.tied", first.clone()), ("g_ema.x", first)], "{tensors:?}");
        let options = serde_json::to_string(&checkpoint.train_args).unwrap();
        let expected =
            r#"{"ckpt":null,"dataset":"celeba_hq","device":"cuda:1","lr_mul":0.01,"size":256,"small_generator":false}"#;
        assert_eq!(options, expected);
    }
}

#[test]
fn refuses_tensors_that_do_not_fit() {
    struct Case {
        tensor: Vec<u8>,
        expected: &'static str,
    }
    let of = |offset, shape: &[i64], strides: &[i64]| {
        push::tensor(push::storage("FloatStorage", "7", 12), offset, shape, strides)
    };
    let storage = |elements| push::tensor(push::storage("FloatStorage", "7", elements), 0, &[1], &[1]);
    let view = push::tuple(&[push::text("view"), push::integer(0), push::integer(2)]);
    let parts = [
        push::text("storage"),
        push::global("torch", "FloatStorage"),
        push::text("7"),
        push::text("cpu"),
        push::integer(12),
        view,
    ];
    let view = push::tensor([push::tuple(&parts), b"Q".to_vec()].concat(), 0, &[1], &[1]);
    let unknown = push::tensor(push::storage("Float3Storage", "7", 12), 0, &[1], &[1]);
    let sparse = push::call("torch._utils", "_rebuild_sparse_tensor", &[b"N".to_vec()]);
    let cases = [
        Case { tensor: of(0, &[13], &[1]), expected: "reaches beyond the 12 elements" },
        Case { tensor: of(12, &[1], &[1]), expected: "reaches beyond" },
        Case { tensor: of(6, &[2, 2], &[6, 1]), expected: "reaches beyond" },
        Case { tensor: of(0, &[2], &[i64::MAX]), expected: "reaches beyond" },
        Case { tensor: of(i64::MAX, &[3], &[i64::MAX]), expected: "reaches beyond" },
        Case { tensor: of(-1, &[1], &[1]), expected: "an offset that is not a place" },
        Case { tensor: of(0, &[2], &[-1]), expected: "strides that are not possible" },
        Case { tensor: of(0, &[-2], &[1]), expected: "a shape that is not possible" },
        Case { tensor: of(0, &[1; 9], &[1; 9]), expected: "a shape that is not possible" },
        Case { tensor: of(0, &[1, 1], &[1]), expected: "different lengths" },
        Case { tensor: of(0, &[1 << 40, 1 << 40], &[0, 0]), expected: "too large" },
        Case { tensor: of(0, &[1 << 40], &[0]), expected: "far more than" },
        Case { tensor: storage(1 << 40), expected: "far more than" },
        Case { tensor: storage(i64::MAX), expected: "larger than any file" },
        Case { tensor: storage(11), expected: "should have" },
        Case { tensor: storage(-1), expected: "a size that is not possible" },
        Case { tensor: view, expected: "a view of a storage" },
        Case { tensor: unknown, expected: "of a type that is not known" },
        Case { tensor: sparse, expected: "torch._utils._rebuild_sparse_tensor, which is not supported" },
        Case {
            tensor: push::call("torch._utils", "_rebuild_parameter", &[]),
            expected: "a parameter without a tensor",
        },
        Case { tensor: push::call("torch._utils", "_rebuild_tensor_v2", &[]), expected: "not described completely" },
        Case { tensor: push::tensor(push::integer(1), 0, &[1], &[1]), expected: "has no storage" },
    ];
    for Case { tensor, expected } in cases {
        let stored = tensor.windows(7).any(|window| window == b"storage").then(|| ("7", 4, counted(12)));
        for format in BOTH {
            let reason = reason(&file(format, &with_x(tensor.clone()), stored.as_slice()));
            assert!(reason.contains(expected), "{format:?} {expected}: {reason}");
        }
    }
}

#[test]
fn refuses_other_top_levels() {
    struct Case {
        object: Vec<u8>,
        expected: &'static str,
    }
    let cases = [
        Case { object: push::integer(1), expected: "top level is not a dictionary; expected one with g_ema and e_ema" },
        Case { object: push::dict(&[]), expected: "top level has no keys; expected g_ema and e_ema" },
        Case {
            object: push::dict(&[("g_ema", b"}".to_vec()), ("params\n", b"N".to_vec())]),
            expected: r"has g_ema, params\n; expected",
        },
        Case {
            object: push::dict(&[("g_ema", b"}".to_vec()), ("e_ema", b"N".to_vec())]),
            expected: "its e_ema is not a dictionary",
        },
    ];
    for Case { object, expected } in cases {
        for format in BOTH {
            let reason = reason(&file(format, &pickle(object.clone()), &[]));
            assert!(reason.contains(expected), "{reason}");
        }
    }
}

#[test]
fn a_text_used_a_million_times_costs_little() {
    // One long text as the key of very many entries, and as an option's name and value.
    let long = [push::text(&"a".repeat(1 << 20)), b"q\x00".to_vec()].concat();
    let entries = b"h\x00h\x00".repeat(400_000);
    let namespace = [b"cargparse\nNamespace\n)\x81}(".as_slice(), &b"h\x00h\x00".repeat(1000), b"ub"].concat();
    let sections = |section: &[u8]| {
        let parts = [
            &long,
            b"0}(".as_slice(),
            &push::text("g_ema"),
            b"}(",
            section,
            b"u",
            &push::text("e_ema"),
            b"}",
            &push::text("train_args"),
            &namespace,
            b"u",
        ];
        pickle(parts.concat())
    };
    for format in BOTH {
        assert!(reason(&file(format, &sections(&entries), &[])).contains("a key that is not a name"));
        assert!(read_bytes(&file(format, &sections(b""), &[])).unwrap().train_args.is_empty());
    }
}

#[test]
fn loops_are_refused_or_ignored() {
    // A dictionary that is its own g_ema and e_ema.
    let object =
        [b"\x80\x02}q\x00(".as_slice(), &push::text("g_ema"), b"h\x00", &push::text("e_ema"), b"h\x00u."].concat();
    // A parameter of a parameter of itself.
    let parameter = [b"ctorch._utils\n_rebuild_parameter\n]q\x00".as_slice(), b"Rq\x01h\x00h\x01a0"].concat();
    let parameter = with_x(parameter);
    for format in BOTH {
        assert!(read_bytes(&file(format, &object, &[])).unwrap().tensors.is_empty());
        assert!(reason(&file(format, &parameter, &[])).contains("_rebuild_parameter, which is not supported"));
    }
}

fn small_object() -> Vec<u8> {
    with_x(push::tensor(push::storage("FloatStorage", "7", 12), 1, &[3, 2], &[1, 3]))
}

#[test]
fn legacy_streams_are_checked() {
    let object = small_object();
    let good = legacy_file(&object, &[("7", 4, counted(12))]);
    read_bytes(&good).unwrap();

    let mut wrong_magic = good.clone();
    wrong_magic[5] ^= 1;
    assert!(reason(&wrong_magic).contains("neither of the formats"));
    let mut wrong_version = good.clone();
    wrong_version[18] ^= 1;
    assert!(reason(&wrong_version).contains("not of version 1001"));
    let at = good.windows(2).position(|pair| pair == b"\x88u").unwrap();
    let mut big_endian = good.clone();
    big_endian[at] = 0x89;
    assert!(reason(&big_endian).contains("big-endian"));

    let stored = ("7", 4, counted(12));
    assert!(reason(&legacy_file(&object, &[])).contains("storage 7 is missing"));
    assert!(reason(&legacy_file(&object, &[("7", 4, counted(11))])).contains("should have 12 elements but has 11"));
    assert!(reason(&legacy_file(&object, &[stored.clone(), stored.clone()])).contains("listed twice"));
    assert!(reason(&legacy_file(&object, &[stored.clone(), ("8", 4, vec![])])).contains("8 belongs to nothing"));
    let count_at = good.len() - 12 * 4 - 8;
    for count in [-1_i64, i64::MIN, i64::MAX, 1 << 61, 13] {
        let mut bytes = good.clone();
        bytes[count_at..count_at + 8].copy_from_slice(&count.to_le_bytes());
        let reason = reason(&bytes);
        assert!(reason.contains("negative") || reason.contains("ends before or within"), "{reason}");
    }

    let twice = push::list(&[push::storage("FloatStorage", "7", 12), push::storage("DoubleStorage", "7", 12)]);
    let object = pickle(push::dict(&[("g_optim", twice)]));
    assert!(reason(&legacy_file(&object, std::slice::from_ref(&stored))).contains("declared twice"));
    let not_names = [good[..count_at].strip_suffix(b"](X\x01\x00\x00\x007e.").unwrap(), b"](Ne."].concat();
    assert!(reason(&not_names).contains("not a name"));
    assert!(looks_like_torch(b"\x80\x04\x95\x0d\0\0\0\0\0\0\0\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."));
}

#[test]
fn archives_are_checked() {
    let object = small_object();
    let data = counted(12);
    let with = |entries: &[(&str, &[u8])]| zip_entries(entries, CompressionMethod::Stored);
    let read_with =
        |byte_order: &[u8]| with(&[("a/data.pkl", &object), ("a/data/7", &data), ("a/byteorder", byte_order)]);
    read_bytes(&with(&[("a/data.pkl", &object), ("a/data/7", &data)])).unwrap();
    read_bytes(&with(&[("data.pkl", &object), ("data/7", &data)])).unwrap();
    read_bytes(&read_with(b"little")).unwrap();
    assert!(reason(&read_with(b"big")).contains("big-endian"));
    assert!(reason(&read_with(b"both")).contains("neither little nor big"));
    assert!(reason(&read_with(&[0; 17])).contains("byteorder has 17 bytes"));
    assert!(reason(&with(&[("a/data.pkl", &object)])).contains("storage 7 is missing"));
    assert!(reason(&with(&[("a/data.pkl", &object), ("b/data/7", &data)])).contains("storage 7 is missing"));
    assert!(
        reason(&with(&[("a/data.pkl", &object), ("a/data/7", &data[4..])])).contains("should have 48 bytes but has 44")
    );
    assert!(reason(&with(&[("a/data.pk", &object)])).contains("without data.pkl"));
    assert!(reason(&with(&[("a/data.pkl", &object), ("b/data.pkl", &object)])).contains("more than one data.pkl"));
    assert!(reason(b"PK\x03\x04").contains("its directory cannot be read"));

    let good = read_with(b"little");
    let at = good.windows(data.len()).position(|window| window == data).unwrap();
    let mut damaged = good.clone();
    damaged[at + 20] ^= 1;
    assert!(reason(&damaged).contains("checksum"), "{}", reason(&damaged));
}

#[test]
fn zip_bombs_are_refused() {
    // 64 MiB of zeros in 64 KiB, declared as they are, and declared as something small.
    let zeros = vec![0; 64 << 20];
    let honest = with_x(push::tensor(push::storage("FloatStorage", "7", 16 << 20), 0, &[16 << 20], &[1]));
    let bytes = zip_file(&honest, &[("7", 4, zeros.clone())], CompressionMethod::Deflated);
    assert!(bytes.len() < 1 << 20);
    assert!(reason(&bytes).contains("far more than"), "{}", reason(&bytes));
    let bytes = zip_file(&small_object(), &[("7", 4, zeros.clone())], CompressionMethod::Deflated);
    assert!(reason(&bytes).contains("should have 48 bytes but has 67108864"));
    let bytes = zip_entries(&[("a/data.pkl", &zeros)], CompressionMethod::Deflated);
    assert!(reason(&bytes).contains("data.pkl has 67108864 bytes"));

    // The directory says 48 bytes, the deflated data go on.
    let mut lying = zip_file(&small_object(), &[("7", 4, zeros)], CompressionMethod::Deflated);
    let size = (64_u32 << 20).to_le_bytes();
    let places: Vec<_> = lying.windows(4).enumerate().filter(|(_, window)| *window == size).map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    for at in places {
        lying[at..at + 4].copy_from_slice(&48_u32.to_le_bytes());
    }
    let reason = reason(&lying);
    assert!(reason.contains("too long") || reason.contains("damaged"), "{reason}");
}

#[test]
fn many_tensors_in_one_storage_are_refused() {
    let names: Vec<String> = (0..1000).map(|index| index.to_string()).collect();
    let shared = push::tensor(push::storage("FloatStorage", "7", 1 << 16), 0, &[1 << 16], &[1]);
    let shared = [shared, b"q\x00".to_vec()].concat();
    let entries: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(index, name)| (name.as_str(), if index == 0 { shared.clone() } else { b"h\x00".to_vec() }))
        .collect();
    let object = pickle(push::dict(&[("g_ema", push::dict(&entries)), ("e_ema", b"}".to_vec())]));
    for format in BOTH {
        assert!(reason(&file(format, &object, &[("7", 4, vec![0; 4 << 16])])).contains("far more than"));
    }
}

#[test]
fn every_damaged_byte_and_every_truncation_ends_in_a_result() {
    for format in BOTH {
        let good = file(format, &small_object(), &[("7", 4, counted(12))]);
        for length in 0..good.len() {
            assert!(read_bytes(&good[..length]).is_err(), "{format:?} of {length} bytes");
        }
        let mut bytes = good.clone();
        for at in 0..good.len() {
            for value in 0..=255 {
                bytes[at] = value;
                // Whatever comes out is no larger than the file can account for.
                if let Ok(checkpoint) = read_bytes(&bytes) {
                    let total: usize = checkpoint.tensors.values().map(|tensor| tensor.data.len()).sum();
                    assert!(total <= bytes.len() * MAX_GROWTH as usize);
                }
            }
            bytes[at] = good[at];
        }
    }
}

#[test]
fn wrappers_are_taken_off() {
    let storage = || [("0", 4, counted(2))];
    let x = || push::tensor(push::storage("FloatStorage", "0", 2), 0, &[2], &[1]);
    let sections =
        |key: &str| push::dict(&[("g_ema", push::ordered_dict(&[(key, x())])), ("e_ema", push::ordered_dict(&[]))]);
    let wrapped = |wrapper: &str, inner: Vec<u8>| push::dict(&[(wrapper, inner), ("iter", push::integer(7))]);
    let files = [
        sections("x"),
        sections("module.x"),
        wrapped("model", sections("x")),
        wrapped("state_dict", sections("module.x")),
        wrapped("checkpoint", wrapped("state_dict", sections("x"))),
        wrapped("model", wrapped("ema", wrapped("params", sections("x")))),
    ];
    for (number, object) in files.into_iter().enumerate() {
        for format in BOTH {
            let found = read_bytes(&file(format, &pickle(object.clone()), &storage())).unwrap();
            assert_eq!(found.tensors.keys().collect::<Vec<_>>(), ["g_ema.x"], "file {number}, {format:?}");
        }
    }
    // Too deep, and a wrapper around nothing.
    let deep = (0..5).fold(sections("x"), |inner, _| wrapped("model", inner));
    for object in [deep, wrapped("model", push::dict(&[]))] {
        assert!(reason(&file(TorchFormat::Zip, &pickle(object), &storage())).contains("its top level has model, iter"));
    }
}

#[test]
fn other_networks_are_called_by_their_names() {
    let none = || push::integer(0);
    let cases = [
        (push::dict(&[("g_ema", push::dict(&[("style.1.weight", none())])), ("latent_avg", none())]), "a StyleGAN2"),
        (push::dict(&[("state_dict", push::dict(&[("model.diffusion_model.x", none())]))]), "a Stable Diffusion"),
        (push::dict(&[("lora_unet_up.weight", none())]), "a LoRA"),
        (push::tensor(push::storage("FloatStorage", "0", 2), 0, &[2], &[1]), "a single tensor"),
    ];
    for (object, expected) in cases {
        let said = reason(&file(TorchFormat::Zip, &pickle(object), &[("0", 4, counted(2))]));
        assert!(said.starts_with(&format!("it is {expected}")), "{said}");
    }
    let entries: [(&str, &[u8]); 2] = [("a/data.pkl", &pickle(none())), ("a/constants.pkl", &pickle(none()))];
    assert!(reason(&zip_entries(&entries, CompressionMethod::Stored)).contains("TorchScript"));
}
