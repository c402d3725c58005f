//! Published PyTorch checkpoints, without PyTorch: the stream format of torch before 1.6 and the zip format since.
//!
//! A checkpoint is a pickle, that is, a program. Here it is read as data and nothing in it is executed: `pickle` turns
//! it into a list of inert values, and this module looks for the few that it understands, among them tensors
//! (`torch._utils._rebuild_tensor_v2` over a storage), `collections.OrderedDict` and `argparse.Namespace`. `legacy` and
//! `archive` are the two containers that the storages lie in.
//!
//! Of the networks in a checkpoint only `g_ema` (mapping and decoder) and `e_ema` (encoder) are used: the exponential
//! moving averages of the weights over the training. The others and the optimizers are several times their size, so
//! storages are read one by one and only where they are needed.

mod archive;
mod legacy;
mod pickle;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use candle_core::DType;
use serde_json::Value;

use self::archive::Archive;
use self::legacy::Legacy;
use self::pickle::{Node, NodeId, Pickle};
use super::foreign;
use crate::error::{Error, Result};

/// The parts of a checkpoint that are read.
const SECTIONS: [&str; 2] = ["g_ema", "e_ema"];

/// Keys under which training tools keep what is looked for, one in another at most so often.
const WRAPPERS: [&str; 7] = ["state_dict", "model", "model_state_dict", "ema", "params", "checkpoint", "net"];
const MAX_WRAPPERS: usize = 3;
const TORCH_SCRIPT: &str = "it is a TorchScript program, not a dictionary of weights";

/// What a checkpoint unpacks to, as tensors and as storages, is at most this many times its own size: room for deflated
/// archives and for weights that several names share, none for files that are made to exhaust memory.
const MAX_GROWTH: u64 = 4;

/// The most dimensions of a tensor; convolutions have four.
const MAX_DIMENSIONS: usize = 8;

/// The longest name of a tensor, a storage or an option, in bytes. A pickle can use one long text a million times.
const MAX_NAME_BYTES: usize = 512;

/// The longest text among the training's options, in bytes, and how many options there may be.
const MAX_OPTION_BYTES: usize = 4096;
const MAX_OPTIONS: usize = 1024;

/// The bytes at the beginning of a file that are enough to tell its format.
const FIRST_BYTES: usize = 32;

/// One tensor of a torch checkpoint, contiguous, little-endian, row-major.
#[derive(Clone, PartialEq, Eq)]
pub struct TorchTensor {
    /// f32, f16 or bf16; tensors that are f64 in the file are rounded to f32.
    pub dtype: DType,
    /// The size of every dimension; empty for a single number.
    pub shape: Vec<usize>,
    /// The elements, as many bytes as `shape` and `dtype` ask for.
    pub data: Vec<u8>,
}

impl fmt::Debug for TorchTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dtype, shape, data: _ } = self;
        f.debug_struct("TorchTensor").field("dtype", dtype).field("shape", shape).finish_non_exhaustive()
    }
}

/// The container that a checkpoint was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TorchFormat {
    /// The stream of torch before 1.6.
    Legacy,
    /// The zip archive of torch since 1.6.
    Zip,
}

/// The parts of a published checkpoint that are used.
#[derive(Clone, Debug)]
pub struct TorchCheckpoint {
    /// By key with the section in front: `g_ema.decoder.input.input`, `e_ema.from_rgb.0.weight`, …
    ///
    /// Values that are not tensors and tensors of whole numbers, truth values or complex numbers are left out: the
    /// networks have none.
    pub tensors: BTreeMap<String, TorchTensor>,
    /// The options that the training was started with, its `argparse.Namespace`, as far as they are numbers, texts,
    /// truth values or none; empty when the checkpoint has no `train_args`.
    pub train_args: BTreeMap<String, Value>,
    /// Which of the two containers it was in.
    pub format: TorchFormat,
}

/// Whether the first bytes of a file, at least 32 if it has so many, look like either format.
pub fn looks_like_torch(first_bytes: &[u8]) -> bool {
    archive::looks_like(first_bytes) || legacy::looks_like(first_bytes)
}

/// Reads the parts of a checkpoint that are used, in either format.
///
/// Takes as much memory as those parts and one storage more, whatever else the file holds.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read, [`Error::Checkpoint`] when it is not a checkpoint of torch, damaged, or
/// one without `g_ema` and `e_ema`.
pub fn read(path: &Path) -> Result<TorchCheckpoint> {
    let open = || {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        read_stream(file, length)
    };
    open().map_err(|failure| match failure {
        Failure::Io(source) => Error::Io { action: "cannot read", path: path.to_owned(), source },
        Failure::Reason(reason) => Error::Checkpoint { path: path.to_owned(), reason },
    })
}

/// Why a checkpoint could not be read, without its path.
#[derive(Debug)]
enum Failure {
    Io(io::Error),
    Reason(String),
}

type Outcome<T> = std::result::Result<T, Failure>;

impl Failure {
    fn reason(reason: impl Into<String>) -> Self {
        Self::Reason(reason.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.raw_os_error().is_some() {
            Self::Io(error)
        } else if error.kind() == io::ErrorKind::UnexpectedEof {
            Self::reason("it ends too early")
        } else {
            // The zip reader's own findings, such as a wrong checksum.
            Self::Reason(format!("it is damaged: {error}"))
        }
    }
}

/// A name out of a file as it may be shown: short and without control characters.
fn shown(name: &str) -> String {
    const MAX_CHARACTERS: usize = 80;
    let mut characters = name.chars();
    let mut short: String = characters.by_ref().take(MAX_CHARACTERS).flat_map(char::escape_debug).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

/// Reads `count` bytes. The caller bounds `count`; `what` is being read, for messages: "its storage 7".
fn read_exactly(reader: &mut impl Read, count: u64, what: &str) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    usize::try_from(count)
        .ok()
        .and_then(|count| bytes.try_reserve_exact(count).ok())
        .ok_or_else(|| Failure::reason(format!("there is no memory for {count} bytes of {what}")))?;
    reader.take(count).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == count { Ok(bytes) } else { Err(Failure::reason(format!("it ends too early, in {what}"))) }
}

/// A text that is used as a name.
fn name(pickle: &Pickle, id: NodeId) -> Option<&str> {
    pickle.text(id).filter(|name| name.len() <= MAX_NAME_BYTES)
}

fn declared_twice(key: &str) -> Failure {
    Failure::reason(format!("its storage {} is declared twice, differently", shown(key)))
}

/// What the elements of a storage are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    F64,
    F32,
    F16,
    Bf16,
    /// Not a real floating-point number; this many bytes.
    Other(u64),
    /// A kind that torch did not have when this was written.
    Unknown,
}

impl Element {
    /// From a storage type such as `torch.FloatStorage`.
    fn from_storage_type((module, name): (&str, &str)) -> Self {
        if !matches!(module, "torch" | "torch.cuda" | "torch.storage") {
            return Self::Unknown;
        }
        match name {
            "DoubleStorage" => Self::F64,
            "FloatStorage" => Self::F32,
            "HalfStorage" => Self::F16,
            "BFloat16Storage" => Self::Bf16,
            "ByteStorage" | "CharStorage" | "BoolStorage" | "QInt8Storage" | "QUInt8Storage" | "UntypedStorage" => {
                Self::Other(1)
            }
            "ShortStorage" => Self::Other(2),
            "IntStorage" | "QInt32Storage" => Self::Other(4),
            "LongStorage" | "ComplexFloatStorage" => Self::Other(8),
            "ComplexDoubleStorage" => Self::Other(16),
            _ => Self::Unknown,
        }
    }

    fn bytes(self) -> Option<u64> {
        match self {
            Self::F64 => Some(8),
            Self::F32 => Some(4),
            Self::F16 | Self::Bf16 => Some(2),
            Self::Other(bytes) => Some(bytes),
            Self::Unknown => None,
        }
    }

    /// What the elements become; none for those that are left out.
    fn dtype(self) -> Option<DType> {
        match self {
            Self::F64 | Self::F32 => Some(DType::F32),
            Self::F16 => Some(DType::F16),
            Self::Bf16 => Some(DType::BF16),
            Self::Other(_) | Self::Unknown => None,
        }
    }
}

/// A storage as the pickle declares it: `('storage', type, key, location, elements)` or, in older files, with a sixth
/// part, the view of the storage that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Storage<'p> {
    key: &'p str,
    element: Element,
    elements: u64,
    is_view: bool,
}

impl<'p> Storage<'p> {
    /// None for identifiers of other things; torch writes such for the source code of modules.
    fn from_persistent(pickle: &'p Pickle, id: NodeId) -> Outcome<Option<Self>> {
        let Some([tag, kind, key, _location, elements, view @ ..]) = pickle.items(id) else { return Ok(None) };
        if pickle.text(*tag) != Some("storage") {
            return Ok(None);
        }
        let (Some(kind), Some(key), Some(elements)) =
            (pickle.global(*kind), name(pickle, *key), pickle.integer(*elements))
        else {
            return Err(Failure::reason("it declares a storage without a type, a name or a size"));
        };
        let elements = u64::try_from(elements).map_err(|_| {
            Failure::reason(format!("its storage {} has a size that is not possible: {elements}", shown(key)))
        })?;
        let is_view = view.first().is_some_and(|&view| !matches!(pickle.node(view), Node::None));
        Ok(Some(Self { key, element: Element::from_storage_type(kind), elements, is_view }))
    }

    /// # Errors
    /// When the type is not known.
    fn element_bytes(&self) -> Outcome<u64> {
        self.element
            .bytes()
            .ok_or_else(|| Failure::reason(format!("its storage {} is of a type that is not known", shown(self.key))))
    }

    fn bytes(&self) -> Outcome<u64> {
        self.elements
            .checked_mul(self.element_bytes()?)
            .ok_or_else(|| Failure::reason(format!("its storage {} is larger than any file", shown(self.key))))
    }
}

/// A container, asked for one storage at a time.
trait StorageSource {
    /// The elements of a storage, exactly as many as it declares.
    fn read(&mut self, storage: &Storage<'_>) -> Outcome<Vec<u8>>;
}

/// A tensor as the pickle declares it, known to lie within its storage. Offset and strides are in elements.
#[derive(Debug)]
struct TensorPlan {
    name: String,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
    /// The product of the shape.
    elements: usize,
}

/// A storage that is needed and the tensors that lie in it.
struct StoragePlan<'p> {
    storage: Storage<'p>,
    tensors: Vec<TensorPlan>,
}

fn read_stream<R: Read + Seek>(mut stream: R, length: u64) -> Outcome<TorchCheckpoint> {
    let mut first_bytes = Vec::with_capacity(FIRST_BYTES);
    stream.by_ref().take(FIRST_BYTES as u64).read_to_end(&mut first_bytes)?;
    stream.seek(SeekFrom::Start(0))?;
    if archive::looks_like(&first_bytes) {
        let (mut archive, pickle) = Archive::open(stream)?;
        checkpoint(&pickle, &mut archive, length, TorchFormat::Zip)
    } else if legacy::looks_like(&first_bytes) {
        let (mut legacy, pickle) = Legacy::open(stream, length)?;
        checkpoint(&pickle, &mut legacy, length, TorchFormat::Legacy)
    } else {
        Err(Failure::reason("it begins like neither of the formats that torch writes"))
    }
}

/// Takes what is used out of a checkpoint whose file has `length` bytes.
fn checkpoint(
    pickle: &Pickle,
    source: &mut impl StorageSource,
    length: u64,
    format: TorchFormat,
) -> Outcome<TorchCheckpoint> {
    let top = pickle.entries(pickle.root()).ok_or_else(|| {
        let what = match pickle.object(pickle.root()) {
            Some((("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor"), _)) => "it is a single tensor",
            Some(((module, _), _)) if module.starts_with("__torch__") => TORCH_SCRIPT,
            _ => "its top level is not a dictionary",
        };
        Failure::reason(format!("{what}; expected one with {}", SECTIONS.join(" and ")))
    })?;
    let top = unwrapped(pickle, top);
    let mut plans = BTreeMap::new();
    for section in SECTIONS {
        let value = last(pickle, top, section).ok_or_else(|| missing_section(pickle, top))?;
        plan_section(pickle, section, value, &mut plans)?;
    }
    check_growth(&plans, length)?;
    let train_args = match last(pickle, top, "train_args") {
        Some(value) => options(pickle, value)?,
        None => BTreeMap::new(),
    };

    let mut tensors = BTreeMap::new();
    for StoragePlan { storage, tensors: planned } in plans.into_values() {
        let mut bytes = source.read(&storage)?;
        let count = planned.len();
        for (index, plan) in planned.into_iter().enumerate() {
            let is_last = index + 1 == count;
            let tensor = materialize(storage, &plan, &mut bytes, is_last)?;
            tensors.insert(plan.name, tensor);
        }
    }
    Ok(TorchCheckpoint { tensors, train_args, format })
}

/// The value of a key; the last one counts, as in Python.
fn last(pickle: &Pickle, entries: &[(NodeId, NodeId)], wanted: &str) -> Option<NodeId> {
    entries.iter().rev().find(|(key, _)| pickle.text(*key) == Some(wanted)).map(|(_, value)| *value)
}

/// The dictionary with the sections: the top one, or one that training tools wrap it in.
fn unwrapped<'p>(pickle: &'p Pickle, top: &'p [(NodeId, NodeId)]) -> &'p [(NodeId, NodeId)] {
    let mut inner = top;
    for _ in 0..MAX_WRAPPERS {
        if SECTIONS.iter().any(|section| last(pickle, inner, section).is_some()) {
            return inner;
        }
        let wrapped = WRAPPERS.iter().find_map(|wrapper| pickle.entries(last(pickle, inner, wrapper)?));
        let Some(wrapped) = wrapped else { break };
        inner = wrapped;
    }
    // What was expected where is said of the top.
    if SECTIONS.iter().any(|section| last(pickle, inner, section).is_some()) { inner } else { top }
}

/// Names of keys of a dictionary, and of the dictionaries in it.
fn all_names<'p>(pickle: &'p Pickle, top: &'p [(NodeId, NodeId)]) -> impl Iterator<Item = &'p str> {
    top.iter().flat_map(move |&(key, value)| {
        let inner = pickle.entries(value).unwrap_or_default().iter().map(|(key, _)| *key);
        std::iter::once(key).chain(inner).filter_map(|key| pickle.text(key))
    })
}

fn missing_section(pickle: &Pickle, top: &[(NodeId, NodeId)]) -> Failure {
    if let Some(kind) = foreign::kind_of(all_names(pickle, top)) {
        return Failure::reason(format!("it is {kind}, not a StyleMapGAN"));
    }
    const MAX_SHOWN: usize = 12;
    let keys = top.iter().filter_map(|&(key, _)| pickle.text(key));
    let mut found: Vec<String> = keys.take(MAX_SHOWN).map(shown).collect();
    if top.len() > MAX_SHOWN {
        found.push("…".into());
    }
    let found = if found.is_empty() { "no keys".into() } else { found.join(", ") };
    Failure::reason(format!("its top level has {found}; expected {}", SECTIONS.join(" and ")))
}

/// Notes which storages the tensors of a section lie in, and where.
fn plan_section<'p>(
    pickle: &'p Pickle,
    section: &str,
    value: NodeId,
    plans: &mut BTreeMap<&'p str, StoragePlan<'p>>,
) -> Outcome<()> {
    let Some(entries) = pickle.entries(value) else {
        return Err(Failure::reason(format!("its {section} is not a dictionary of tensors")));
    };
    let mut values = BTreeMap::new();
    for &(key, value) in entries {
        let Some(key) = name(pickle, key) else {
            return Err(Failure::reason(format!("its {section} has a key that is not a name")));
        };
        // So do modules call their weights that were trained on several devices.
        values.insert(key.strip_prefix("module.").unwrap_or(key), value);
    }
    for (key, value) in values {
        let tensor = format!("{section}.{key}");
        let Some((storage, plan)) = plan_tensor(pickle, tensor, value)? else { continue };
        let planned = plans.entry(storage.key).or_insert_with(|| StoragePlan { storage, tensors: Vec::new() });
        if planned.storage != storage {
            return Err(declared_twice(storage.key));
        }
        planned.tensors.push(plan);
    }
    Ok(())
}

/// None for what is left out: values that are not tensors, tensors that do not hold real floating-point numbers.
fn plan_tensor<'p>(pickle: &'p Pickle, tensor: String, value: NodeId) -> Outcome<Option<(Storage<'p>, TensorPlan)>> {
    let refused = |why: &str| Failure::reason(format!("its tensor {} {why}", shown(&tensor)));

    let Some((mut function, mut object)) = pickle.object(value) else { return Ok(None) };
    if matches!(
        function,
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") | ("torch.nn.parameter", "Parameter")
    ) {
        let inner = pickle.items(object.arguments).and_then(|arguments| arguments.first());
        (function, object) =
            inner.and_then(|&inner| pickle.object(inner)).ok_or_else(|| refused("is a parameter without a tensor"))?;
    }
    match function {
        ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => {}
        // Only the types that have no storage type of their own; none of them is used for weights.
        ("torch._utils", "_rebuild_tensor_v3") => return Ok(None),
        (module, function) => {
            return Err(refused(&format!("is made by {}.{}, which is not supported", shown(module), shown(function))));
        }
    }
    let Some([storage, offset, shape, strides, ..]) = pickle.items(object.arguments) else {
        return Err(refused("is not described completely"));
    };
    let Node::Persistent(storage) = pickle.node(*storage) else { return Err(refused("has no storage")) };
    let storage = Storage::from_persistent(pickle, *storage)?.ok_or_else(|| refused("has no storage"))?;
    if storage.element.dtype().is_none() {
        // An unknown type may well be one of weights; leaving it out would only be noticed later.
        return storage.element_bytes().map(|_| None);
    }
    if storage.is_view {
        return Err(refused(
            "lies in a view of a storage, which is not supported; save the checkpoint again with a newer torch",
        ));
    }

    let count = usize::try_from(storage.elements).map_err(|_| refused("lies in a storage that is too large"))?;
    let offset = pickle.integer(*offset).and_then(|offset| usize::try_from(offset).ok());
    let offset = offset.ok_or_else(|| refused("has an offset that is not a place in its storage"))?;
    let shape = sizes(pickle, *shape).ok_or_else(|| refused("has a shape that is not possible"))?;
    let strides = sizes(pickle, *strides).ok_or_else(|| refused("has strides that are not possible"))?;
    if shape.len() != strides.len() {
        return Err(refused("has a shape and strides of different lengths"));
    }
    let too_large = || refused("has a shape that is too large");
    let elements = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size)).ok_or_else(too_large)?;
    if elements > 0 {
        let last = shape
            .iter()
            .zip(&strides)
            .try_fold(offset, |last, (size, stride)| last.checked_add(size.checked_sub(1)?.checked_mul(*stride)?));
        if last.is_none_or(|last| last >= count) {
            return Err(refused(&format!("reaches beyond the {count} elements of its storage")));
        }
    }
    Ok(Some((storage, TensorPlan { name: tensor, offset, shape, strides, elements })))
}

/// The whole numbers of a tuple or a `torch.Size`, when none is negative and there are not too many.
fn sizes(pickle: &Pickle, id: NodeId) -> Option<Vec<usize>> {
    let items = match pickle.object(id) {
        Some((("torch", "Size"), size)) => pickle.items(*pickle.items(size.arguments)?.first()?)?,
        _ => pickle.items(id)?,
    };
    if items.len() > MAX_DIMENSIONS {
        return None;
    }
    items.iter().map(|&size| usize::try_from(pickle.integer(size)?).ok()).collect()
}

/// Refuses, before anything is read, what would take far more memory than the file is long.
fn check_growth(plans: &BTreeMap<&str, StoragePlan<'_>>, length: u64) -> Outcome<()> {
    let limit = length.saturating_mul(MAX_GROWTH);
    let mut in_storages = 0_u64;
    let mut in_tensors = 0_u64;
    for StoragePlan { storage, tensors } in plans.values() {
        in_storages = in_storages.saturating_add(storage.bytes()?);
        for tensor in tensors {
            let bytes = (tensor.elements as u64).saturating_mul(storage.element_bytes()?);
            in_tensors = in_tensors.saturating_add(bytes);
        }
    }
    if in_storages.max(in_tensors) > limit {
        return Err(Failure::reason(format!(
            "its tensors would take {} bytes, far more than the {length} bytes of the file can hold",
            in_storages.max(in_tensors)
        )));
    }
    Ok(())
}

/// Makes a tensor out of its storage, which is used up if this is the `last` one in it.
fn materialize(storage: Storage<'_>, plan: &TensorPlan, bytes: &mut Vec<u8>, last: bool) -> Outcome<TorchTensor> {
    let inconsistent = || Failure::reason(format!("its tensor {} does not fit its storage", shown(&plan.name)));
    let dtype = storage.element.dtype().ok_or_else(inconsistent)?;
    let width = storage.element_bytes()? as usize;
    let is_whole = plan.offset == 0 && plan.elements.checked_mul(width) == Some(bytes.len());
    let mut data = if last && is_whole && contiguous_run(plan) == plan.elements {
        std::mem::take(bytes)
    } else {
        gather(bytes, plan, width).ok_or_else(inconsistent)?
    };
    if storage.element == Element::F64 {
        let (numbers, _) = data.as_chunks::<8>();
        data = numbers.iter().flat_map(|number| (f64::from_le_bytes(*number) as f32).to_le_bytes()).collect();
    }
    Ok(TorchTensor { dtype, shape: plan.shape.clone(), data })
}

/// How many elements follow each other in the storage as they do in the tensor.
fn contiguous_run(plan: &TensorPlan) -> usize {
    if plan.elements == 0 {
        return 0;
    }
    let mut run = 1;
    for (&size, &stride) in plan.shape.iter().zip(&plan.strides).rev() {
        if size != 1 {
            if stride != run {
                break;
            }
            run *= size;
        }
    }
    run
}

/// One dimension while walking over a tensor.
struct Axis {
    size: usize,
    stride: usize,
    index: usize,
}

/// Copies the elements of a tensor in row-major order; none if they lie outside of the storage.
fn gather(storage: &[u8], plan: &TensorPlan, width: usize) -> Option<Vec<u8>> {
    let mut gathered = Vec::new();
    gathered.try_reserve_exact(plan.elements.checked_mul(width)?).ok()?;
    let run = contiguous_run(plan);
    if run == 0 {
        return Some(gathered);
    }
    // The innermost dimensions are copied at once; the others are counted like the digits of a number.
    let mut axes = Vec::new();
    let mut inner = 1;
    for (&size, &stride) in plan.shape.iter().zip(&plan.strides).rev() {
        if inner < run {
            inner *= size;
        } else if size != 1 {
            axes.push(Axis { size, stride, index: 0 });
        }
    }
    let run_bytes = run.checked_mul(width)?;
    let mut position = plan.offset;
    'runs: loop {
        let start = position.checked_mul(width)?;
        gathered.extend_from_slice(storage.get(start..start.checked_add(run_bytes)?)?);
        for axis in &mut axes {
            axis.index += 1;
            if axis.index < axis.size {
                position = position.checked_add(axis.stride)?;
                continue 'runs;
            }
            position = position.checked_sub((axis.size - 1).checked_mul(axis.stride)?)?;
            axis.index = 0;
        }
        return Some(gathered);
    }
}

/// The plain values of an `argparse.Namespace` or of a dictionary.
fn options(pickle: &Pickle, value: NodeId) -> Outcome<BTreeMap<String, Value>> {
    let attributes = match pickle.object(value) {
        Some((("argparse", "Namespace"), namespace)) => namespace.state,
        _ => Some(value),
    };
    let entries = attributes.and_then(|attributes| pickle.entries(attributes)).unwrap_or_default();
    if entries.len() > MAX_OPTIONS {
        return Err(Failure::reason(format!("its train_args has more than {MAX_OPTIONS} entries")));
    }
    let plain = |&(key, value): &(NodeId, NodeId)| Some((name(pickle, key)?.to_owned(), plain_value(pickle, value)?));
    Ok(entries.iter().filter_map(plain).collect())
}

fn plain_value(pickle: &Pickle, id: NodeId) -> Option<Value> {
    match pickle.node(id) {
        Node::None => Some(Value::Null),
        Node::Bool(value) => Some((*value).into()),
        Node::Integer(value) => i64::try_from(*value).ok().map(Value::from),
        Node::Float(value) => serde_json::Number::from_f64(*value).map(Value::from),
        Node::Text(text) if text.len() <= MAX_OPTION_BYTES => Some(text.as_ref().into()),
        Node::Object(_) => device(pickle, id).map(Value::from),
        _ => None,
    }
}

/// A `torch.device` as torch shows it: "cpu", "cuda:0".
fn device(pickle: &Pickle, id: NodeId) -> Option<String> {
    let (("torch", "device"), object) = pickle.object(id)? else { return None };
    match pickle.items(object.arguments)? {
        [kind] => Some(name(pickle, *kind)?.to_owned()),
        [kind, index] => Some(format!("{}:{}", name(pickle, *kind)?, pickle.integer(*index)?)),
        _ => None,
    }
}
