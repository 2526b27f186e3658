// SPDX-License-Identifier: Apache-2.0
//! Values of one column, row behind row.
//!
//! A buffer may lag behind the rows: what nobody wrote is the type's empty value, and is filled in
//! when the next value or the batch needs it.

use penstock_record::{Column, Kind, column};

/// Values of one column.
#[derive(Clone, Debug)]
pub(super) enum Buffer {
    /// None: the column is made of what is known of the message, or nothing fills it yet.
    Made,
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    Ip(Vec<[u8; 16]>),
    Mac(Vec<[u8; 6]>),
    Time(Vec<i64>),
    Text(Texts),
    Binary(Binaries),
    Words(Words),
    ListU8(Lists<u8>),
    ListI8(Lists<i8>),
    ListU16(Lists<u16>),
    ListU32(Lists<u32>),
    ListTime(Lists<i64>),
}

macro_rules! each {
    ($buffer:expr, $values:ident => $do:expr) => {
        match $buffer {
            Self::Made => {}
            Self::U8($values) => $do,
            Self::U16($values) => $do,
            Self::U32($values) => $do,
            Self::U64($values) => $do,
            Self::Ip($values) => $do,
            Self::Mac($values) => $do,
            Self::Time($values) => $do,
            Self::Text(Texts { ends: $values, .. })
            | Self::Binary(Binaries { ends: $values, .. }) => $do,
            Self::Words(Words { keys: $values, .. }) => $do,
            Self::ListU8(Lists { ends: $values, .. })
            | Self::ListI8(Lists { ends: $values, .. })
            | Self::ListU16(Lists { ends: $values, .. })
            | Self::ListU32(Lists { ends: $values, .. })
            | Self::ListTime(Lists { ends: $values, .. }) => $do,
        }
    };
}

impl Buffer {
    /// Start and end have buffers of their own.
    pub(super) fn of(column: Column) -> Self {
        let apart = [column::TIME_START, column::TIME_END].contains(&column);
        if apart || column.spec().elements.is_empty() {
            return Self::Made;
        }
        match column.kind() {
            Kind::U8 => Self::U8(Vec::new()),
            Kind::U16 => Self::U16(Vec::new()),
            Kind::U32 => Self::U32(Vec::new()),
            Kind::U64 => Self::U64(Vec::new()),
            Kind::Ip => Self::Ip(Vec::new()),
            Kind::Mac => Self::Mac(Vec::new()),
            Kind::TimestampNs => Self::Time(Vec::new()),
            Kind::Text => Self::Text(Texts::default()),
            Kind::Binary => Self::Binary(Binaries::default()),
            Kind::Dictionary => Self::Words(Words::default()),
            Kind::List(Kind::U8) => Self::ListU8(Lists::default()),
            Kind::List(Kind::I8) => Self::ListI8(Lists::default()),
            Kind::List(Kind::U16) => Self::ListU16(Lists::default()),
            Kind::List(Kind::U32) => Self::ListU32(Lists::default()),
            Kind::List(Kind::TimestampNs) => Self::ListTime(Lists::default()),
            _ => Self::Made,
        }
    }

    /// Gives every row up to this one a value.
    pub(super) fn fill_up(&mut self, rows: usize) {
        match self {
            Self::Text(texts) => fill_ends(&mut texts.ends, rows),
            Self::Binary(binaries) => fill_ends(&mut binaries.ends, rows),
            Self::ListU8(lists) => fill_ends(&mut lists.ends, rows),
            Self::ListI8(lists) => fill_ends(&mut lists.ends, rows),
            Self::ListU16(lists) => fill_ends(&mut lists.ends, rows),
            Self::ListU32(lists) => fill_ends(&mut lists.ends, rows),
            Self::ListTime(lists) => fill_ends(&mut lists.ends, rows),
            other => each!(other, values => values.resize(rows, Default::default())),
        }
    }

    /// An empty one of the same type, with the words known so far.
    pub(super) fn renewed(&self) -> Self {
        match self {
            Self::Made => Self::Made,
            Self::U8(_) => Self::U8(Vec::new()),
            Self::U16(_) => Self::U16(Vec::new()),
            Self::U32(_) => Self::U32(Vec::new()),
            Self::U64(_) => Self::U64(Vec::new()),
            Self::Ip(_) => Self::Ip(Vec::new()),
            Self::Mac(_) => Self::Mac(Vec::new()),
            Self::Time(_) => Self::Time(Vec::new()),
            Self::Text(_) => Self::Text(Texts::default()),
            Self::Binary(_) => Self::Binary(Binaries::default()),
            Self::Words(_) => Self::Words(Words::default()),
            Self::ListU8(_) => Self::ListU8(Lists::default()),
            Self::ListI8(_) => Self::ListI8(Lists::default()),
            Self::ListU16(_) => Self::ListU16(Lists::default()),
            Self::ListU32(_) => Self::ListU32(Lists::default()),
            Self::ListTime(_) => Self::ListTime(Lists::default()),
        }
    }

    /// Makes room for more rows.
    pub(super) fn reserve(&mut self, rows: usize) {
        each!(self, values => values.reserve(rows));
    }
}

/// Ends of values in a buffer that all rows share: a row without one ends where the last did.
pub(super) fn fill_ends(ends: &mut Vec<usize>, rows: usize) {
    let end = ends.last().copied().unwrap_or(0);
    ends.resize(rows, end);
}

/// How long each value is.
pub(super) fn lengths(ends: &[usize]) -> impl ExactSizeIterator<Item = usize> {
    let mut start = 0;
    ends.iter().map(move |end| {
        let length = end.saturating_sub(start);
        start = *end;
        length
    })
}

/// Texts, one behind the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    pub text: String,
    pub ends: Vec<usize>,
}

impl Texts {
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }
}

/// Octet strings, one behind the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Binaries {
    pub octets: Vec<u8>,
    pub ends: Vec<usize>,
}

impl Binaries {
    pub(super) fn push(&mut self, value: &[u8]) {
        self.octets.extend_from_slice(value);
        self.ends.push(self.octets.len());
    }
}

/// Words from a small vocabulary; the first is empty.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub words: Vec<Box<str>>,
    pub keys: Vec<u8>,
}

impl Default for Words {
    fn default() -> Self {
        Self { words: vec!["".into()], keys: Vec::new() }
    }
}

impl Words {
    /// A vocabulary without end is none: what comes when it is full becomes `other`.
    pub(super) fn push(&mut self, word: &str) {
        let known = self.words.iter().position(|known| **known == *word);
        let key = known.unwrap_or_else(|| {
            if self.words.len() > MOST_WORDS {
                return MOST_WORDS;
            }
            self.words.push(if self.words.len() < MOST_WORDS { word } else { "other" }.into());
            self.words.len() - 1
        });
        self.keys.push(u8::try_from(key).unwrap_or(0));
    }
}

const MOST_WORDS: usize = 100;

/// Lists, one behind the other.
#[derive(Clone, Debug)]
pub(super) struct Lists<T> {
    pub values: Vec<T>,
    pub ends: Vec<usize>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { values: Vec::new(), ends: Vec::new() }
    }
}

/// Elements without a column, row behind row.
#[derive(Clone, Debug, Default)]
pub(super) struct Extras {
    pub pens: Vec<u32>,
    pub ids: Vec<u16>,
    pub values: Binaries,
    /// Where each row's elements end.
    pub ends: Vec<usize>,
}

impl Extras {
    pub(super) fn push(&mut self, pen: u32, id: u16, value: &[u8]) {
        self.pens.push(pen);
        self.ids.push(id);
        self.values.push(value);
    }

    pub(super) fn end_row(&mut self) {
        self.ends.push(self.pens.len());
    }
}
