//! Just enough of ONNX to take a network's convolutions out of its file: weights and biases in the order of the graph's
//! nodes.
//!
//! The detector is a chain of convolutions whose wiring is code (see `network`); only its numbers come from the file,
//! which is the published one, unchanged. A whole ONNX runtime for that would cost more than it gives, see `detect`.
//!
//! Field numbers are those of `onnx.proto3` (onnx/onnx, version 1.x): `ModelProto.graph` = 7, `GraphProto.node` = 1 and
//! `.initializer` = 5, `NodeProto.input` = 1 and `.op_type` = 4, `TensorProto.dims` = 1, `.data_type` = 2,
//! `.float_data` = 4, `.name` = 8, `.raw_data` = 9.

use std::collections::HashMap;

use crate::error::{Error, Result};

/// `TensorProto.DataType.FLOAT`.
const FLOAT: u64 = 1;

/// One convolution: weight (out, in per group, height, width) and a bias per output.
#[derive(Debug)]
pub(super) struct Convolution {
    pub shape: [usize; 4],
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// The convolutions of a model, in the order of its nodes.
///
/// # Errors
/// [`Error::Detector`] when the bytes are not such a model.
pub(super) fn convolutions(model: &[u8]) -> Result<Vec<Convolution>> {
    let mut convolution_inputs = Vec::new();
    let mut tensors = HashMap::new();
    for graph in messages(model, 7)? {
        for node in messages(graph, 1)? {
            if messages(node, 4)?.contains(&b"Conv".as_slice()) {
                convolution_inputs.push(messages(node, 1)?);
            }
        }
        for tensor in messages(graph, 5)? {
            if let Some(&name) = messages(tensor, 8)?.first() {
                tensors.insert(name, tensor);
            }
        }
    }
    let tensor = |name: Option<&&[u8]>| {
        let bytes = name.and_then(|name| tensors.get(name)).ok_or_else(|| damaged("a convolution has no weights"))?;
        read_tensor(bytes)
    };
    convolution_inputs
        .iter()
        .map(|inputs| {
            let (dims, weight) = tensor(inputs.get(1))?;
            let (_, bias) = tensor(inputs.get(2))?;
            let shape: [usize; 4] = dims.try_into().map_err(|_| damaged("a convolution is not two-dimensional"))?;
            if bias.len() != shape[0] {
                return Err(damaged("a convolution's bias has another length"));
            }
            Ok(Convolution { shape, weight, bias })
        })
        .collect()
}

fn damaged(what: &str) -> Error {
    Error::Detector(what.to_owned())
}

/// A tensor's dimensions and values.
fn read_tensor(tensor: &[u8]) -> Result<(Vec<usize>, Vec<f32>)> {
    let (mut dims, mut values, mut is_float) = (Vec::new(), Vec::new(), false);
    let mut fields = Fields(tensor);
    while let Some((field, value)) = fields.next()? {
        match (field, value) {
            (1, Value::Number(dim)) => dims.push(usize::try_from(dim).map_err(|_| damaged("a tensor is too large"))?),
            // Packed, as newer writers do it.
            (1, Value::Bytes(packed)) => {
                let mut packed = Fields(packed);
                while !packed.0.is_empty() {
                    dims.push(usize::try_from(packed.number()?).map_err(|_| damaged("a tensor is too large"))?);
                }
            }
            (2, Value::Number(kind)) => is_float = kind == FLOAT,
            (4 | 9, Value::Bytes(bytes)) => {
                let (floats, rest) = bytes.as_chunks::<4>();
                if !rest.is_empty() {
                    return Err(damaged("a tensor ends within a number"));
                }
                values.extend(floats.iter().map(|&bytes| f32::from_le_bytes(bytes)));
            }
            _ => {}
        }
    }
    let count = dims.iter().try_fold(1usize, |count, &dim| count.checked_mul(dim));
    if !is_float || count != Some(values.len()) {
        return Err(damaged("a tensor is not of the kind or size that it says"));
    }
    Ok((dims, values))
}

/// All values of one length-delimited field.
fn messages(message: &[u8], wanted: u64) -> Result<Vec<&[u8]>> {
    let mut found = Vec::new();
    let mut fields = Fields(message);
    while let Some((field, value)) = fields.next()? {
        if let (true, Value::Bytes(bytes)) = (field == wanted, value) {
            found.push(bytes);
        }
    }
    Ok(found)
}

/// A field's value: a number, or bytes (text, a message, or packed numbers).
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// What is left of a protobuf message.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.number()?;
        let value = match key & 7 {
            0 => Value::Number(self.number()?),
            1 => Value::Bytes(self.bytes(8)?),
            2 => {
                let len = self.number()?;
                Value::Bytes(self.bytes(len)?)
            }
            5 => Value::Bytes(self.bytes(4)?),
            _ => return Err(damaged("a field is of no known kind")),
        };
        Ok(Some((key >> 3, value)))
    }

    /// A base-128 number, lowest seven bits first.
    fn number(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let Some((&byte, rest)) = self.0.split_first() else { break };
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(damaged("the file ends early"))
    }

    fn bytes(&mut self, len: u64) -> Result<&'a [u8]> {
        let (bytes, rest) = usize::try_from(len)
            .ok()
            .and_then(|len| self.0.split_at_checked(len))
            .ok_or_else(|| damaged("the file ends early"))?;
        self.0 = rest;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_a_convolution() -> Result<()> {
        // By hand: a graph with one Conv node ("x", "w", "b"), and the tensors w (1, 1, 1, 1) = 2 and b (1) = -1.
        let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, bytes.len() as u8], bytes].concat();
        let node = [field(1, b"x"), field(1, b"w"), field(1, b"b"), field(4, b"Conv")].concat();
        let weight = [vec![8, 1, 8, 1, 8, 1, 8, 1, 16, 1], field(8, b"w"), field(9, &2f32.to_le_bytes())].concat();
        let bias = [field(1, &[1]), vec![16, 1], field(8, b"b"), field(4, &(-1f32).to_le_bytes())].concat();
        let model = field(7, &[field(1, &node), field(5, &weight), field(5, &bias)].concat());
        let found = convolutions(&model)?;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].shape, &found[0].weight, &found[0].bias), ([1; 4], &vec![2.0], &vec![-1.0]));
        // Cut anywhere, it is an error or has no convolution, never a panic.
        for end in 0..model.len() {
            assert!(convolutions(&model[..end]).map_or(true, |found| found.is_empty()), "cut at {end}");
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _any_result = convolutions(&bytes);
        }
    }
}
