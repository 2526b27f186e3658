// SPDX-License-Identifier: Apache-2.0
//! Datagrams that something was wrong with, kept as a capture for whoever looks into it.

use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;

use penstock_net::capture_file::{HEADER, append_datagram};

/// A file that grows to its bound and no further.
pub(crate) struct Quarantine {
    file: File,
    left: u64,
}

impl Quarantine {
    pub fn create(path: &str, most_octets: u64) -> Result<Self, (String, io::Error)> {
        let made = File::create(path).and_then(|mut file| file.write_all(&HEADER).map(|()| file));
        let file = made.map_err(|error| (path.to_owned(), error))?;
        Ok(Self { file, left: most_octets.saturating_sub(HEADER.len() as u64) })
    }

    /// Keeps a datagram, if there is room. A full disk ends the keeping, not the collecting.
    pub fn keep(&mut self, time_ns: i64, from: SocketAddr, to: SocketAddr, octets: &[u8]) {
        let mut packet = Vec::new();
        append_datagram(&mut packet, time_ns, from, to, octets);
        let room = packet.len() as u64;
        if room > self.left {
            self.left = 0;
            return;
        }
        self.left -= room;
        if self.file.write_all(&packet).is_err() {
            self.left = 0;
        }
    }
}
