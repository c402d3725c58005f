//! Pickles read as data. Nothing is imported, called or built: a global is a name, and an object is a record of what
//! would have been called with which arguments.
//!
//! Source: the protocol as documented in Python's `pickletools`, protocols 2 to 5. The text operations of protocols 0
//! and 1 are refused, because nothing that writes checkpoints uses them.
//!
//! A pickle may come from anywhere. So every value lies once in one flat list and values refer to each other by number:
//! sharing costs nothing however often it doubles, loops are harmless, and neither reading nor dropping recurses.

use std::collections::HashMap;
use std::io::{ErrorKind, Read};

use super::{Failure, Outcome, shown};

/// The longest pickle that is read; those of the published checkpoints have less than half a mebibyte.
pub(super) const MAX_PICKLE_BYTES: u64 = 16 << 20;

/// The most values, memo entries, stack places and marks, each on its own. The published checkpoints stay below 50 000.
const MAX_VALUES: usize = 1 << 20;

/// The longest line, which only the names of globals use.
const MAX_LINE_BYTES: usize = 1 << 10;

/// The newest protocol there is.
const NEWEST_PROTOCOL: u8 = 5;

/// The place of a value in its [`Pickle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(u32);

/// One value of a pickle.
#[derive(Debug)]
pub(super) enum Node {
    None,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(Box<str>),
    /// A value that no checkpoint needs: bytes, sets, whole numbers of more than 128 bits, text that is not UTF-8.
    Opaque,
    Tuple(Box<[NodeId]>),
    List(Vec<NodeId>),
    /// In the order of the file; of equal keys the last one counts.
    Dict(Vec<(NodeId, NodeId)>),
    /// A name in a Python module. Both parts are text.
    Global {
        module: NodeId,
        name: NodeId,
    },
    Object(Box<Object>),
    /// The identifier of something that lies outside of the pickle.
    Persistent(NodeId),
}

/// What would have been built by calling `callable` with `arguments`.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) callable: NodeId,
    pub(super) arguments: NodeId,
    /// The attributes, mostly a dictionary.
    pub(super) state: Option<NodeId>,
    /// What was set by key.
    pub(super) entries: Vec<(NodeId, NodeId)>,
}

/// A pickle as a list of values that refer to each other.
#[derive(Debug)]
pub(super) struct Pickle {
    nodes: Vec<Node>,
    root: NodeId,
    /// The position after the pickle, counted like the `start` given to [`read`].
    pub(super) end: u64,
}

impl Pickle {
    /// The value that the pickle is about.
    pub(super) fn root(&self) -> NodeId {
        self.root
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        // Identifiers come from the same reading as the list, so the alternative is never taken.
        self.nodes.get(id.0 as usize).unwrap_or(&Node::Opaque)
    }

    /// The identifiers of everything outside of the pickle, in the order of the file.
    pub(super) fn persistent(&self) -> impl Iterator<Item = NodeId> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Persistent(id) => Some(*id),
            _ => None,
        })
    }

    pub(super) fn text(&self, id: NodeId) -> Option<&str> {
        match self.node(id) {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn integer(&self, id: NodeId) -> Option<i128> {
        match self.node(id) {
            Node::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The items of a tuple or a list.
    pub(super) fn items(&self, id: NodeId) -> Option<&[NodeId]> {
        match self.node(id) {
            Node::Tuple(items) => Some(items),
            Node::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a dictionary or of an object that behaves like one.
    pub(super) fn entries(&self, id: NodeId) -> Option<&[(NodeId, NodeId)]> {
        match self.node(id) {
            Node::Dict(entries) => Some(entries),
            Node::Object(object) if self.global(object.callable) == Some(("collections", "OrderedDict")) => {
                Some(&object.entries)
            }
            _ => None,
        }
    }

    /// The module and the name of a global.
    pub(super) fn global(&self, id: NodeId) -> Option<(&str, &str)> {
        match self.node(id) {
            Node::Global { module, name } => Some((self.text(*module)?, self.text(*name)?)),
            _ => None,
        }
    }

    /// An object with the name of what would have been called, if that is a global.
    pub(super) fn object(&self, id: NodeId) -> Option<((&str, &str), &Object)> {
        match self.node(id) {
            Node::Object(object) => Some((self.global(object.callable)?, object)),
            _ => None,
        }
    }
}

/// Reads one pickle and nothing behind it.
///
/// `start` is the position of `input`, in bytes, for messages. The reader should be buffered.
///
/// # Errors
/// When the pickle ends too early, uses an operation that is not known, contradicts itself or exceeds the limits above.
pub(super) fn read(input: &mut impl Read, start: u64) -> Outcome<Pickle> {
    let input = Input { input, position: start, limit: start.saturating_add(MAX_PICKLE_BYTES) };
    let mut machine = Machine {
        input,
        operation_at: start,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    let root = machine.run()?;
    Ok(Pickle { root, end: machine.input.position, nodes: machine.nodes })
}

/// The bytes of a pickle, counted.
struct Input<'r, R> {
    input: &'r mut R,
    position: u64,
    limit: u64,
}

impl<R: Read> Input<'_, R> {
    fn claim(&mut self, count: u64) -> Outcome<()> {
        match self.position.checked_add(count) {
            Some(end) if end <= self.limit => {
                self.position = end;
                Ok(())
            }
            _ => Err(Failure::reason(format!(
                "its pickle claims to be longer than {} MiB, far more than that of any checkpoint",
                MAX_PICKLE_BYTES >> 20
            ))),
        }
    }

    fn array<const N: usize>(&mut self) -> Outcome<[u8; N]> {
        let position = self.position;
        self.claim(N as u64)?;
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => ends_early(position),
            _ => error.into(),
        })?;
        Ok(bytes)
    }

    fn byte(&mut self) -> Outcome<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn bytes(&mut self, count: u64) -> Outcome<Vec<u8>> {
        let position = self.position;
        self.claim(count)?;
        // Grows with what is there, not with what is claimed.
        let mut bytes = Vec::new();
        self.input.by_ref().take(count).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == count { Ok(bytes) } else { Err(ends_early(position)) }
    }
}

fn ends_early(position: u64) -> Failure {
    Failure::reason(format!("it ends in the middle of its pickle, in what begins at byte {position}"))
}

/// The stack machine that a pickle is a program for.
struct Machine<'r, R> {
    input: Input<'r, R>,
    operation_at: u64,
    nodes: Vec<Node>,
    stack: Vec<NodeId>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u64, NodeId>,
}

impl<R: Read> Machine<'_, R> {
    fn run(&mut self) -> Outcome<NodeId> {
        loop {
            self.operation_at = self.input.position;
            let operation = self.input.byte()?;
            if operation == b'.' {
                return self.pop();
            }
            self.step(operation)?;
        }
    }

    /// Every operation adds at most three values and as many entries as it takes from the stack, so that what is held
    /// grows with the length of the pickle only.
    fn step(&mut self, operation: u8) -> Outcome<()> {
        match operation {
            // PROTO, FRAME
            0x80 => {
                let protocol = self.input.byte()?;
                if protocol > NEWEST_PROTOCOL {
                    return Err(self.damaged(&format!("pickle protocol {protocol} is newer than {NEWEST_PROTOCOL}")));
                }
            }
            0x95 => {
                self.input.array::<8>()?;
            }

            // MARK, POP, POP_MARK, DUP
            b'(' => {
                within_limit(self.marks.len())?;
                self.marks.push(self.stack.len());
            }
            b'0' => {
                if self.stack.len() > self.floor() {
                    self.stack.pop();
                } else if self.marks.pop().is_none() {
                    return Err(self.too_few());
                }
            }
            b'1' => {
                self.pop_mark()?;
            }
            b'2' => {
                let top = self.top()?;
                self.push_id(top)?;
            }

            // NONE, NEWTRUE, NEWFALSE
            b'N' => self.push(Node::None)?,
            0x88 => self.push(Node::Bool(true))?,
            0x89 => self.push(Node::Bool(false))?,

            // BININT, BININT1, BININT2, LONG1, LONG4, BINFLOAT
            b'J' => {
                let value = i32::from_le_bytes(self.input.array()?);
                self.push(Node::Integer(value.into()))?;
            }
            b'K' => {
                let value = self.input.byte()?;
                self.push(Node::Integer(value.into()))?;
            }
            b'M' => {
                let value = u16::from_le_bytes(self.input.array()?);
                self.push(Node::Integer(value.into()))?;
            }
            0x8a => {
                let count = self.input.byte()?;
                self.long(count.into())?;
            }
            0x8b => {
                let count = self.signed_length()?;
                self.long(count)?;
            }
            b'G' => {
                let value = f64::from_be_bytes(self.input.array()?);
                self.push(Node::Float(value))?;
            }

            // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8
            b'X' => {
                let count = u32::from_le_bytes(self.input.array()?);
                self.text(count.into())?;
            }
            0x8c => {
                let count = self.input.byte()?;
                self.text(count.into())?;
            }
            0x8d => {
                let count = u64::from_le_bytes(self.input.array()?);
                self.text(count)?;
            }
            // BINSTRING, SHORT_BINSTRING: the text of Python 2
            b'T' => {
                let count = self.signed_length()?;
                self.text(count)?;
            }
            b'U' => {
                let count = self.input.byte()?;
                self.text(count.into())?;
            }

            // BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8
            b'B' => {
                let count = u32::from_le_bytes(self.input.array()?);
                self.opaque(count.into())?;
            }
            b'C' => {
                let count = self.input.byte()?;
                self.opaque(count.into())?;
            }
            0x8e | 0x96 => {
                let count = u64::from_le_bytes(self.input.array()?);
                self.opaque(count)?;
            }

            // EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3, TUPLE
            b')' => self.push(Node::Tuple(Box::default()))?,
            0x85..=0x87 => {
                let first = self.take_top(usize::from(operation - 0x84))?;
                self.push(Node::Tuple(first.into()))?;
            }
            b't' => {
                let items = self.pop_mark()?;
                self.push(Node::Tuple(items.into()))?;
            }

            // EMPTY_LIST, LIST, APPEND, APPENDS
            b']' => self.push(Node::List(Vec::new()))?,
            b'l' => {
                let items = self.pop_mark()?;
                self.push(Node::List(items))?;
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' => {
                let items = self.pop_mark()?;
                self.append(&items)?;
            }

            // EMPTY_DICT, DICT, SETITEM, SETITEMS
            b'}' => self.push(Node::Dict(Vec::new()))?,
            b'd' => {
                let entries = self.pop_mark()?;
                let entries = self.pairs(&entries)?;
                self.push(Node::Dict(entries))?;
            }
            b's' => {
                let entries = self.take_top(2)?;
                self.set_items(&entries)?;
            }
            b'u' => {
                let entries = self.pop_mark()?;
                self.set_items(&entries)?;
            }

            // EMPTY_SET, ADDITEMS, FROZENSET
            0x8f => self.push(Node::Opaque)?,
            0x90 => {
                self.pop_mark()?;
                self.top()?;
            }
            0x91 => {
                self.pop_mark()?;
                self.push(Node::Opaque)?;
            }

            // GLOBAL, STACK_GLOBAL
            b'c' => {
                let module = self.line()?;
                let module = self.add(Node::Text(module))?;
                let name = self.line()?;
                let name = self.add(Node::Text(name))?;
                self.push(Node::Global { module, name })?;
            }
            0x93 => {
                let name = self.pop()?;
                let module = self.pop()?;
                self.push(Node::Global { module, name })?;
            }

            // REDUCE, NEWOBJ, NEWOBJ_EX, OBJ, BUILD
            b'R' | 0x81 => {
                let arguments = self.pop()?;
                let callable = self.pop()?;
                self.object(callable, arguments)?;
            }
            0x92 => {
                self.pop()?;
                let arguments = self.pop()?;
                let callable = self.pop()?;
                self.object(callable, arguments)?;
            }
            b'o' => {
                let items = self.pop_mark()?;
                let Some((&callable, arguments)) = items.split_first() else { return Err(self.too_few()) };
                let arguments = self.add(Node::Tuple(arguments.into()))?;
                self.object(callable, arguments)?;
            }
            b'b' => {
                let new_state = self.pop()?;
                if let Node::Object(object) = self.top_mut()? {
                    object.state = Some(new_state);
                }
            }

            // BINPERSID
            b'Q' => {
                let id = self.pop()?;
                self.push(Node::Persistent(id))?;
            }

            // BINGET, LONG_BINGET, BINPUT, LONG_BINPUT, MEMOIZE
            b'h' => {
                let index = self.input.byte()?;
                self.recall(index.into())?;
            }
            b'j' => {
                let index = u32::from_le_bytes(self.input.array()?);
                self.recall(index.into())?;
            }
            b'q' => {
                let index = self.input.byte()?;
                self.memorize(index.into())?;
            }
            b'r' => {
                let index = u32::from_le_bytes(self.input.array()?);
                self.memorize(index.into())?;
            }
            0x94 => self.memorize(self.memo.len() as u64)?,

            other => {
                let character =
                    if other.is_ascii_graphic() { format!(" ('{}')", char::from(other)) } else { String::new() };
                return Err(Failure::reason(format!(
                    "its pickle uses operation 0x{other:02x}{character} at byte {}, which no checkpoint does",
                    self.operation_at
                )));
            }
        }
        Ok(())
    }

    fn damaged(&self, what: &str) -> Failure {
        Failure::reason(format!("its pickle is damaged at byte {}: {what}", self.operation_at))
    }

    fn too_few(&self) -> Failure {
        self.damaged("an operation takes more values than there are")
    }

    /// The height of the stack below which nothing may be taken before the mark is.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn add(&mut self, node: Node) -> Outcome<NodeId> {
        within_limit(self.nodes.len())?;
        let id = NodeId(u32::try_from(self.nodes.len()).map_err(|_| too_many())?);
        self.nodes.push(node);
        Ok(id)
    }

    fn push_id(&mut self, id: NodeId) -> Outcome<()> {
        within_limit(self.stack.len())?;
        self.stack.push(id);
        Ok(())
    }

    fn push(&mut self, node: Node) -> Outcome<()> {
        let id = self.add(node)?;
        self.push_id(id)
    }

    fn pop(&mut self) -> Outcome<NodeId> {
        if self.stack.len() > self.floor()
            && let Some(id) = self.stack.pop()
        {
            return Ok(id);
        }
        Err(self.too_few())
    }

    fn pop_mark(&mut self) -> Outcome<Vec<NodeId>> {
        match self.marks.pop() {
            Some(height) if height <= self.stack.len() => Ok(self.stack.split_off(height)),
            _ => Err(self.damaged("a mark is missing")),
        }
    }

    /// Takes the topmost `count` values, in the order in which they were pushed.
    fn take_top(&mut self, count: usize) -> Outcome<Vec<NodeId>> {
        match self.stack.len().checked_sub(count) {
            Some(height) if height >= self.floor() => Ok(self.stack.split_off(height)),
            _ => Err(self.too_few()),
        }
    }

    fn top(&self) -> Outcome<NodeId> {
        match self.stack.last() {
            Some(id) if self.stack.len() > self.floor() => Ok(*id),
            _ => Err(self.too_few()),
        }
    }

    fn top_mut(&mut self) -> Outcome<&mut Node> {
        let top = self.top()?;
        let too_few = self.too_few();
        self.nodes.get_mut(top.0 as usize).ok_or(too_few)
    }

    fn append(&mut self, items: &[NodeId]) -> Outcome<()> {
        match self.top_mut()? {
            Node::List(list) => list.extend_from_slice(items),
            // A subclass of list, or something else that no checkpoint needs.
            Node::Object(_) | Node::Opaque => {}
            _ => return Err(self.damaged("items are appended to something that is not a list")),
        }
        Ok(())
    }

    fn pairs(&self, items: &[NodeId]) -> Outcome<Vec<(NodeId, NodeId)>> {
        let (pairs, rest) = items.as_chunks::<2>();
        if rest.is_empty() {
            Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
        } else {
            Err(self.damaged("a key has no value"))
        }
    }

    fn set_items(&mut self, items: &[NodeId]) -> Outcome<()> {
        let pairs = self.pairs(items)?;
        match self.top_mut()? {
            Node::Dict(entries) => entries.extend_from_slice(&pairs),
            Node::Object(object) => object.entries.extend_from_slice(&pairs),
            _ => return Err(self.damaged("keys are set on something that is not a dictionary")),
        }
        Ok(())
    }

    fn object(&mut self, callable: NodeId, arguments: NodeId) -> Outcome<()> {
        self.push(Node::Object(Box::new(Object { callable, arguments, state: None, entries: Vec::new() })))
    }

    fn recall(&mut self, index: u64) -> Outcome<()> {
        match self.memo.get(&index) {
            Some(&id) => self.push_id(id),
            None => Err(self.damaged(&format!("memo entry {index} is used before it is set"))),
        }
    }

    fn memorize(&mut self, index: u64) -> Outcome<()> {
        within_limit(self.memo.len())?;
        let top = self.top()?;
        self.memo.insert(index, top);
        Ok(())
    }

    fn signed_length(&mut self) -> Outcome<u64> {
        let count = i32::from_le_bytes(self.input.array()?);
        u64::try_from(count).map_err(|_| self.damaged("a length is negative"))
    }

    fn long(&mut self, count: u64) -> Outcome<()> {
        let bytes = self.input.bytes(count)?;
        // Two's complement, the least significant byte first.
        let fill = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
        let mut extended = [fill; 16];
        let node = match extended.get_mut(..bytes.len()) {
            Some(low) => {
                low.copy_from_slice(&bytes);
                Node::Integer(i128::from_le_bytes(extended))
            }
            None => Node::Opaque,
        };
        self.push(node)
    }

    fn text(&mut self, count: u64) -> Outcome<()> {
        let bytes = self.input.bytes(count)?;
        self.push(match String::from_utf8(bytes) {
            Ok(text) => Node::Text(text.into()),
            Err(_) => Node::Opaque,
        })
    }

    fn opaque(&mut self, count: u64) -> Outcome<()> {
        self.input.bytes(count)?;
        self.push(Node::Opaque)
    }

    fn line(&mut self) -> Outcome<Box<str>> {
        let mut line = Vec::new();
        loop {
            match self.input.byte()? {
                b'\n' => break,
                _ if line.len() == MAX_LINE_BYTES => return Err(self.damaged("a name does not end")),
                byte => line.push(byte),
            }
        }
        match String::from_utf8(line) {
            Ok(line) => Ok(line.into()),
            Err(error) => {
                let name = String::from_utf8_lossy(error.as_bytes()).into_owned();
                Err(self.damaged(&format!("the name {} is not UTF-8", shown(&name))))
            }
        }
    }
}

fn within_limit(count: usize) -> Outcome<()> {
    if count < MAX_VALUES { Ok(()) } else { Err(too_many()) }
}

fn too_many() -> Failure {
    Failure::reason(format!("its pickle holds more than {MAX_VALUES} values, far more than that of any checkpoint"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn read_bytes(bytes: &[u8]) -> Outcome<Pickle> {
        read(&mut &*bytes, 0)
    }

    fn reason(bytes: &[u8]) -> String {
        match read_bytes(bytes) {
            Err(Failure::Reason(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    /// Values in the notation of Python, for comparison.
    fn notation(pickle: &Pickle, id: NodeId) -> String {
        let list = |items: &[NodeId]| items.iter().map(|&id| notation(pickle, id)).collect::<Vec<_>>().join(", ");
        let dict = |entries: &[(NodeId, NodeId)]| {
            let entry = |&(key, value): &_| format!("{}: {}", notation(pickle, key), notation(pickle, value));
            entries.iter().map(entry).collect::<Vec<_>>().join(", ")
        };
        match pickle.node(id) {
            Node::None => "None".into(),
            Node::Bool(value) => value.to_string(),
            Node::Integer(value) => value.to_string(),
            Node::Float(value) => format!("{value:?}"),
            Node::Text(text) => format!("{text:?}"),
            Node::Opaque => "?".into(),
            Node::Tuple(items) => format!("({})", list(items)),
            Node::List(items) => format!("[{}]", list(items)),
            Node::Dict(entries) => format!("{{{}}}", dict(entries)),
            Node::Global { .. } => {
                let (module, name) = pickle.global(id).unwrap();
                format!("{module}.{name}")
            }
            Node::Object(object) => {
                let state = object.state.map(|id| format!("/{}", notation(pickle, id))).unwrap_or_default();
                let (callable, arguments) = (notation(pickle, object.callable), notation(pickle, object.arguments));
                format!("{callable}{arguments}{{{}}}{state}", dict(&object.entries))
            }
            Node::Persistent(id) => format!("@{}", notation(pickle, *id)),
        }
    }

    #[test]
    fn reads_the_operations_that_python_writes() {
        struct Case {
            pickle: &'static [u8],
            expected: &'static str,
        }
        let cases = [
            Case { pickle: b"\x80\x02N.", expected: "None" },
            Case { pickle: b"(\x88\x89K\x01M\x00\x01J\xff\xff\xff\xfft.", expected: "(true, false, 1, 256, -1)" },
            Case {
                pickle: b"(\x8a\0\x8a\x01\xff\x8a\x02\xff\0\x8b\x02\0\0\0\0\x80l.",
                expected: "[0, -1, 255, -32768]",
            },
            Case { pickle: b"\x8a\x11aaaaaaaaaaaaaaaaa.", expected: "?" },
            Case { pickle: b"G\x3f\xe8\x00\x00\x00\x00\x00\x00.", expected: "0.75" },
            Case {
                pickle: b"(X\x02\0\0\0\xc3\xa9\x8c\x01a\x8d\x01\0\0\0\0\0\0\0bT\x01\0\0\0cU\x01dt.",
                expected: r#"("é", "a", "b", "c", "d")"#,
            },
            Case {
                pickle: b"(B\x01\0\0\0xC\x01x\x8e\x01\0\0\0\0\0\0\0x\x96\x01\0\0\0\0\0\0\0xt.",
                expected: "(?, ?, ?, ?)",
            },
            Case { pickle: b"(X\x01\0\0\0\xff\x8f(K\x01\x90(K\x01\x91t.", expected: "(?, ?, ?)" },
            Case {
                pickle: b"()K\x01\x85K\x01K\x02\x86K\x01K\x02K\x03\x87t.",
                expected: "((), (1), (1, 2), (1, 2, 3))",
            },
            Case { pickle: b"]K\x01a(K\x02K\x03e.", expected: "[1, 2, 3]" },
            Case {
                pickle: b"}K\x01Ns(K\x02NK\x03Nu(K\x04Nd\x86.",
                expected: "({1: None, 2: None, 3: None}, {4: None})",
            },
            Case { pickle: b"cos\nsystem\nU\x02ls\x85R.", expected: r#"os.system("ls"){}"# },
            Case {
                pickle: b"\x80\x04\x95\0\0\0\0\0\0\0\0\x8c\x02os\x94\x8c\x06system\x93)\x81.",
                expected: "os.system(){}",
            },
            Case { pickle: b"ca\nB\n)}\x92}(K\x01K\x02ub(ca\nC\nK\x01o\x86.", expected: "(a.B(){}/{1: 2}, a.C(1){})" },
            Case { pickle: b"ca\nB\n)RK\x01K\x02sK\x03a.", expected: "a.B(){1: 2}" },
            Case { pickle: b"U\x01xQ.", expected: r#"@"x""# },
            Case { pickle: b"K\x05q\x000(h\x00r\x01\x01\x00\x00j\x01\x01\x00\x002t.", expected: "(5, 5, 5)" },
            Case { pickle: b"K\x05\x94K\x06\x940(0(h\x001h\x00\x86.", expected: "(5, 5)" },
        ];
        for Case { pickle, expected } in cases {
            let read = read_bytes(pickle).unwrap();
            assert_eq!(notation(&read, read.root()), expected, "{pickle:?}");
            assert_eq!(read.end, pickle.len() as u64);
        }
    }

    #[test]
    fn reads_one_of_several_and_counts_from_the_start() {
        let mut bytes: &[u8] = b"K\x01.K\x02.";
        let first = read(&mut bytes, 100).unwrap();
        let second = read(&mut bytes, first.end).unwrap();
        assert_eq!((first.end, second.end), (103, 106));
        assert_eq!(second.integer(second.root()), Some(2));
    }

    #[test]
    fn says_what_is_wrong() {
        struct Case {
            pickle: &'static [u8],
            expected: &'static str,
        }
        let cases = [
            Case { pickle: b"\x80\x02K\x01F1.5\n.", expected: "operation 0x46 ('F') at byte 4" },
            Case { pickle: b"\xff.", expected: "operation 0xff at byte 0" },
            Case { pickle: b"\x80\x06.", expected: "protocol 6" },
            Case { pickle: b"", expected: "ends in the middle" },
            Case { pickle: b"K", expected: "begins at byte 1" },
            Case { pickle: b"X\x05\x00\x00\x00abc", expected: "begins at byte 5" },
            Case { pickle: b"X\xff\xff\xff\xff", expected: "longer than 16 MiB" },
            Case { pickle: b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff", expected: "longer than 16 MiB" },
            Case { pickle: b"T\xff\xff\xff\xff", expected: "length is negative" },
            Case { pickle: b".", expected: "more values than there are" },
            Case { pickle: b"K\x01(.", expected: "more values than there are" },
            Case { pickle: b"K\x01(0\x86.", expected: "more values than there are" },
            Case { pickle: b"(R.", expected: "more values than there are" },
            Case { pickle: b"0.", expected: "more values than there are" },
            Case { pickle: b"(o.", expected: "more values than there are" },
            Case { pickle: b"t.", expected: "mark is missing" },
            Case { pickle: b"}(K\x01u.", expected: "key has no value" },
            Case { pickle: b"]K\x01K\x01s.", expected: "not a dictionary" },
            Case { pickle: b"K\x01K\x01a.", expected: "not a list" },
            Case { pickle: b"h\x07.", expected: "memo entry 7" },
            Case { pickle: b"ca\n\xff\n.", expected: "not UTF-8" },
        ];
        for Case { pickle, expected } in cases {
            let reason = reason(pickle);
            assert!(reason.contains(expected), "{pickle:?}: {reason}");
        }
        let mut endless = b"c".to_vec();
        endless.resize(5000, b'a');
        assert!(reason(&endless).contains("does not end"));
    }

    #[test]
    fn sharing_takes_no_memory() {
        // x = (); x = (x, x), a million times doubled: 2^300000 leaves.
        let mut bytes = b")".to_vec();
        for _ in 0..300_000 {
            bytes.extend_from_slice(b"2\x86");
        }
        bytes.push(b'.');
        assert_eq!(read_bytes(&bytes).unwrap().nodes.len(), 300_001);
    }

    #[test]
    fn depth_does_not_recurse() {
        let mut bytes = vec![b']'; 500_000];
        bytes.resize(999_999, b'a');
        bytes.push(b'.');
        drop(read_bytes(&bytes).unwrap());
    }

    #[test]
    fn loops_are_harmless() {
        let read = read_bytes(b"]q\x00h\x00a}q\x01h\x01h\x01s\x86.").unwrap();
        let items = read.items(read.root()).unwrap();
        assert_eq!(read.items(items[0]), Some(&[items[0]][..]));
        assert_eq!(read.entries(items[1]), Some(&[(items[1], items[1])][..]));
    }

    #[test]
    fn everything_is_limited() {
        struct Case {
            repeated: &'static [u8],
            expected: &'static str,
        }
        let cases = [
            Case { repeated: b"N", expected: "more than 1048576 values" },
            Case { repeated: b"N0", expected: "more than 1048576 values" },
            Case { repeated: b"(", expected: "more than 1048576 values" },
            Case { repeated: b"\x94", expected: "more than 1048576 values" },
            Case { repeated: b"2", expected: "more than 1048576 values" },
            Case { repeated: b"h\x000", expected: "longer than 16 MiB" },
        ];
        for Case { repeated, expected } in cases {
            let mut bytes = b"Nq\x00".to_vec();
            while bytes.len() <= MAX_PICKLE_BYTES as usize {
                bytes.extend_from_slice(repeated);
            }
            let reason = reason(&bytes);
            assert!(reason.contains(expected), "{repeated:?}: {reason}");
        }
    }
}
