// SPDX-License-Identifier: Apache-2.0
//! What can be wrong with a source of packets.

use std::{error, fmt, io};

/// A source that cannot be read, or not to its end, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SourceError {
    /// The file as the user named it, or `standard input`.
    pub file: String,
    /// Octets from the start of the file, after decompression, to the record in question; none
    /// where the trouble is not in the content.
    pub offset: Option<u64>,
    /// What is wrong, in words that follow the file's name.
    pub problem: String,
    /// Who has to act.
    pub kind: SourceErrorKind,
}

/// The two sorts of trouble with a source.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SourceErrorKind {
    /// The operating system does not let us open or read it: the operator's to mend.
    Open,
    /// Its content is not a capture, or is damaged: whoever wrote the file is to blame.
    Malformed,
}

impl SourceError {
    /// A file that the operating system does not let us open or read.
    pub fn open(file: &str, error: &io::Error) -> Self {
        let problem = match error.kind() {
            io::ErrorKind::NotFound => "no such file".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            io::ErrorKind::IsADirectory => "is a directory, not a capture".to_owned(),
            _ => error.to_string(),
        };
        Self { file: file.to_owned(), offset: None, problem, kind: SourceErrorKind::Open }
    }

    /// A file whose content cannot be read on, from this octet.
    pub fn malformed(file: &str, offset: u64, problem: impl Into<String>) -> Self {
        let kind = SourceErrorKind::Malformed;
        Self { file: file.to_owned(), offset: Some(offset), problem: problem.into(), kind }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, offset, problem, .. } = self;
        match offset {
            Some(offset) => write!(f, "{file}: octet {offset}: {problem}"),
            None => write!(f, "{file}: {problem}"),
        }
    }
}

impl error::Error for SourceError {}
