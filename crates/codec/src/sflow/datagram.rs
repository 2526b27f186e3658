// SPDX-License-Identifier: Apache-2.0
//! The datagram: who sent it, and the samples in it.

use super::sample::Record;
use super::xdr::{Xdr, put_address, put_u32};
use super::{Records, Sample};
use crate::Malformed;

/// The version that is read and written.
pub const VERSION: u32 = 5;

/// What a datagram says before its samples.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Header {
    /// Who sampled, which need not be who the datagram came from; IPv4 mapped, all zero if not known.
    pub agent_address: [u8; 16],
    /// Tells streams of one agent apart, such as its line cards.
    pub sub_agent_id: u32,
    /// Counts datagrams of this agent and sub-agent.
    pub sequence: u32,
    /// Milliseconds since the agent started; less than before after it was started again.
    pub uptime_ms: u32,
    /// How many samples are announced.
    pub num_samples: u32,
}

/// One datagram.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// What it says before its samples.
    pub header: Header,
    samples: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// [`Malformed::Version`] if it is not version 5, [`Malformed::HeaderCut`] if the header is not all there,
    /// [`Malformed::SampleField`] if the agent's address is of a type that is not known.
    pub fn read(octets: &'a [u8]) -> Result<Self, Malformed> {
        let mut xdr = Xdr::new(octets);
        let version = xdr.u32().map_err(|_| Malformed::HeaderCut)?;
        if version != VERSION {
            return Err(Malformed::Version);
        }
        let header = Header::read(&mut xdr).map_err(|wrong| match wrong {
            Malformed::SampleCut => Malformed::HeaderCut,
            other => other,
        })?;
        Ok(Self { header, samples: xdr.rest() })
    }

    /// Its samples. After an error come those behind the sample it was in, if that was all there; a sample that is
    /// cut is the last. What follows the announced number of samples is passed over.
    pub fn samples(&self) -> Samples<'a> {
        Samples(Records::new(self.header.num_samples, self.samples))
    }
}

impl Header {
    fn read(xdr: &mut Xdr<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            agent_address: xdr.address()?.unwrap_or_default(),
            sub_agent_id: xdr.u32()?,
            sequence: xdr.u32()?,
            uptime_ms: xdr.u32()?,
            num_samples: xdr.u32()?,
        })
    }

    /// Writes it, with the version before it; the number of samples is its last four octets.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_u32(out, VERSION);
        let known = self.agent_address != [0; 16];
        put_address(out, known.then_some(self.agent_address));
        put_u32(out, self.sub_agent_id);
        put_u32(out, self.sequence);
        put_u32(out, self.uptime_ms);
        put_u32(out, self.num_samples);
    }
}

/// The samples of a datagram; see [`Datagram::samples`].
#[derive(Clone, Debug)]
pub struct Samples<'a>(Records<'a>);

impl<'a> Iterator for Samples<'a> {
    type Item = Result<Sample<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let sample: Result<Record<'a>, Malformed> = self.0.next()?;
        Some(sample.and_then(Sample::read))
    }
}

#[cfg(test)]
mod tests {
    use super::super::write::tests::worked_example;
    use super::super::{FlowRecord, xdr::mapped};
    use super::*;

    #[test]
    fn the_header_of_the_worked_example_is_read() {
        let octets = worked_example();
        let datagram = Datagram::read(&octets).unwrap();
        let header = Header {
            agent_address: mapped([192, 0, 2, 10]),
            sub_agent_id: 0,
            sequence: 7,
            uptime_ms: 123_456,
            num_samples: 1,
        };
        assert_eq!(datagram.header, header);
        assert_eq!(datagram.samples().count(), 1);
    }

    #[test]
    fn older_versions_are_recognised_and_refused() {
        for version in [0, 2, 4, 6] {
            let mut octets = worked_example();
            octets[3] = version;
            assert_eq!(Datagram::read(&octets).unwrap_err(), Malformed::Version);
        }
    }

    #[test]
    fn every_prefix_is_an_error_or_the_samples_that_were_all_there() {
        let octets = worked_example();
        for cut in 0..octets.len() {
            match Datagram::read(&octets[..cut]) {
                Err(wrong) => assert_eq!((wrong, cut < 28), (Malformed::HeaderCut, true)),
                Ok(datagram) => {
                    let samples: Vec<_> = datagram.samples().collect();
                    assert_eq!(samples.len(), 1);
                    let nothing = cut == 28;
                    let wrong =
                        if nothing { Malformed::CountBeyondMessage } else { Malformed::SampleCut };
                    assert_eq!(samples[0].as_ref().unwrap_err(), &wrong, "{cut}");
                }
            }
        }
    }

    #[test]
    fn a_sample_that_is_cut_keeps_those_before_it() {
        let mut octets = worked_example();
        let sample = octets[28..].to_vec();
        octets.extend_from_slice(&sample[..40]);
        octets[27] = 2;
        let samples: Vec<_> = Datagram::read(&octets).unwrap().samples().collect();
        let Ok(Sample::Flow(flow)) = &samples[0] else { panic!("{samples:?}") };
        let records: Vec<FlowRecord<'_>> =
            flow.records.clone().map(|record| FlowRecord::read(record.unwrap()).unwrap()).collect();
        assert_eq!(records.len(), 2);
        assert_eq!(samples[1].as_ref().unwrap_err(), &Malformed::SampleCut);
        assert_eq!(samples.len(), 2);
    }

    #[test]
    fn samples_that_were_announced_and_never_came_are_one_error() {
        let mut octets = worked_example();
        octets[24..28].copy_from_slice(&u32::MAX.to_be_bytes());
        let samples: Vec<_> = Datagram::read(&octets).unwrap().samples().collect();
        assert_eq!(samples.len(), 2);
        assert_eq!(samples[1].as_ref().unwrap_err(), &Malformed::CountBeyondMessage);
    }

    #[test]
    fn an_agent_without_an_address_is_all_zero() {
        let header = Header { sequence: 3, ..Header::default() };
        let mut octets = Vec::new();
        header.write(&mut octets);
        assert_eq!(octets.len(), 24);
        assert_eq!(Datagram::read(&octets).unwrap().header, header);
    }
}
