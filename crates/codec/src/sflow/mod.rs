// SPDX-License-Identifier: Apache-2.0
//! sFlow version 5: datagrams of samples, each with records of what is known about it.
//!
//! ```text
//! datagram   version | agent address | sub-agent | sequence | uptime | n | sample ...
//! sample     enterprise << 12 | format | length | head of its kind | n | record ...
//! record     enterprise << 12 | format | length | what its format says
//! ```
//!
//! Everything is in the External Data Representation (RFC 4506): big-endian, in units of four octets.
//! A sample or record that is not known is passed over by its length. Versions 2 and 4 lay their samples out
//! otherwise; they are recognised and refused. The headers within a sampled packet are not read here.

mod counter;
mod datagram;
mod flow;
mod gateway;
mod reason;
mod sample;
mod write;
mod xdr;

pub use counter::{CounterRecord, Ethernet, GenericInterface};
pub use datagram::{Datagram, Header, Samples, VERSION};
pub use flow::{
    EXTENDED_GATEWAY, EXTENDED_ROUTER, EXTENDED_SWITCH, ExtendedMpls, ExtendedNat, ExtendedNatPort,
    ExtendedRouter, ExtendedSwitch, FlowRecord, HwTrap, SAMPLED_HEADER, SampledEthernet,
    SampledHeader, SampledIp, Side, header_protocol,
};
pub use gateway::{AsPath, ExtendedGateway, MAX_AS_PATH, MAX_COMMUNITIES, Segment};
pub use reason::{REASONS, forwarding_status, reason_name, reason_place};
pub use sample::{
    CounterHead, CounterSample, DiscardedHead, DiscardedPacket, FlowHead, FlowSample, Interface,
    Record, Records, Sample, Source,
};
pub use write::{DatagramWriter, Form};
pub use xdr::Numbers;
