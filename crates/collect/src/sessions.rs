// SPDX-License-Identifier: Apache-2.0
//! Streams of messages: connections and files.
//!
//! A session ends with the first thing that cannot be: over a connection there is no way to find
//! the next message again (RFC 7011 section 10.4), and a template that changes its meaning makes
//! all that follows doubtful.

use std::fmt;

use crate::Reception;
use crate::collector::Collector;
use crate::counts::count;
use crate::intake::Arrival;
use crate::memory::templates::Transport;
use crate::stream::{Stream, StreamError, StreamKind};

/// A connection or a file that is open.
pub(crate) struct Session {
    addr: [u8; 16],
    port: u16,
    transport: Transport,
    stream: Stream,
    /// Octets passed over that were counted.
    skipped: u64,
}

/// Why a session cannot go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SessionError {
    /// Its octets are no messages.
    Stream(StreamError),
    /// A message redefined a template that it had not withdrawn (RFC 7011 section 8.1).
    Redefined,
    /// There is no such session.
    Unknown,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(error) => error.fmt(f),
            Self::Redefined => f.write_str("a template was redefined without withdrawal"),
            Self::Unknown => f.write_str("no such session"),
        }
    }
}

impl std::error::Error for SessionError {}

impl Collector {
    /// A connection begins; its number.
    pub fn open_stream(&mut self, addr: [u8; 16], port: u16) -> u32 {
        self.open(addr, port, Transport::Stream)
    }

    /// A file of messages begins (RFC 5655); its number.
    pub fn open_file(&mut self) -> u32 {
        self.open([0; 16], 0, Transport::File)
    }

    fn open(&mut self, addr: [u8; 16], port: u16, transport: Transport) -> u32 {
        self.last_session += 1;
        let kind = match transport {
            Transport::File => StreamKind::File,
            Transport::Stream | Transport::Datagram => StreamKind::Connection,
        };
        let session = Session { addr, port, transport, stream: Stream::new(kind), skipped: 0 };
        self.sessions.insert(self.last_session, session);
        self.last_session
    }

    /// Takes octets of a session, and decodes every message that is whole by now.
    pub fn stream(
        &mut self,
        number: u32,
        octets: &[u8],
        received_ns: i64,
    ) -> Result<(), SessionError> {
        let mut session = self.sessions.remove(&number).ok_or(SessionError::Unknown)?;
        let taken = self.take_octets(number, &mut session, octets, received_ns);
        if taken.is_ok() {
            self.sessions.insert(number, session);
        } else {
            self.intake.directory.forget_templates_of(number);
        }
        taken
    }

    fn take_octets(
        &mut self,
        number: u32,
        session: &mut Session,
        mut octets: &[u8],
        received_ns: i64,
    ) -> Result<(), SessionError> {
        loop {
            let taken = session.stream.push(octets);
            octets = octets.get(taken..).unwrap_or(&[]);
            self.drain(number, session, received_ns)?;
            if octets.is_empty() {
                return Ok(());
            }
        }
    }

    /// A session is over: what a connection taught is forgotten. An error is that it ended within a
    /// message.
    pub fn close_stream(&mut self, number: u32, now_ns: i64) -> Result<(), SessionError> {
        let Some(mut session) = self.sessions.remove(&number) else { return Ok(()) };
        session.stream.finish();
        let closed = self.drain(number, &mut session, now_ns);
        if session.transport == Transport::Stream {
            self.intake.directory.forget_templates_of(number);
        }
        closed
    }

    fn drain(
        &mut self,
        number: u32,
        session: &mut Session,
        received_ns: i64,
    ) -> Result<(), SessionError> {
        let Session { addr, port, transport, .. } = *session;
        let arrival = Arrival { addr, port, transport, stream: number, received_ns };
        while let Some(message) = session.stream.next_message() {
            let octets = message.map_err(|error| self.broken(error))?;
            let (reception, goes_on) = self.message(&arrival, octets);
            if let Reception::Refused(why) | Reception::Partly(why) = reception
                && !goes_on
            {
                count(&mut self.intake.counts.sessions_broken, why, 1);
                return Err(SessionError::Redefined);
            }
        }
        let skipped = session.stream.skipped().octets;
        self.intake.counts.octets_skipped += skipped - session.skipped;
        session.skipped = skipped;
        Ok(())
    }

    fn broken(&mut self, error: StreamError) -> SessionError {
        count(&mut self.intake.counts.sessions_broken, error.reason(), 1);
        SessionError::Stream(error)
    }
}
