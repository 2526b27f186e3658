// SPDX-License-Identifier: Apache-2.0
//! What the collector has to be told once a session, and what of it was: the rate that records have
//! which do not say their own, elements that it may not know, the names of interfaces.

use std::collections::HashSet;

use super::Interface;
use super::layout::Described;
use super::options::{self, Report};
use super::rate::Form;

/// Options that hold for all of a session.
#[derive(Default)]
pub(super) struct Said {
    sampling: Sampling,
    sampling_told: bool,
    /// Elements that have a description.
    described: HashSet<(u32, u16)>,
    descriptions: Vec<Vec<u8>>,
    /// How many of them were said.
    descriptions_told: usize,
    interfaces: Vec<Vec<u8>>,
    interfaces_told: bool,
}

/// The rate of records that do not say their own.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Sampling {
    /// No batch has come yet.
    #[default]
    Undecided,
    /// Every record says its own.
    EachItsOwn,
    /// All records of the first batch had this one.
    Declared(f64),
}

impl Said {
    /// The rate that goes without saying in records. The first batch decides: `constant` is what
    /// all its rows have.
    pub fn rate(&mut self, constant: impl FnOnce() -> Option<f64>) -> Option<f64> {
        if self.sampling == Sampling::Undecided {
            self.sampling = constant().map_or(Sampling::EachItsOwn, Sampling::Declared);
        }
        match self.sampling {
            Sampling::Declared(rate) => Some(rate),
            Sampling::Undecided | Sampling::EachItsOwn => None,
        }
    }

    /// Elements that are about to be used.
    pub fn describe(&mut self, described: &[Described]) {
        for element in described {
            if self.described.insert((element.pen, element.element.id)) {
                self.descriptions.push(options::type_information(element));
            }
        }
    }

    /// The interfaces there are now.
    pub fn name(&mut self, interfaces: &[Interface]) {
        self.interfaces = interfaces.iter().map(options::interface).collect();
        self.interfaces_told = false;
    }

    /// Everything that was not said yet; from here on it was.
    pub fn unsaid(&mut self) -> Vec<(Report, Vec<Vec<u8>>)> {
        let mut unsaid = Vec::new();
        if let Sampling::Declared(rate) = self.sampling
            && !self.sampling_told
        {
            unsaid.push((Report::Sampling(Form::of(rate)), vec![options::sampling(rate)]));
        }
        let descriptions = self.descriptions.split_off(self.descriptions_told);
        if !descriptions.is_empty() {
            self.descriptions.extend_from_slice(&descriptions);
            unsaid.push((Report::TypeInformation, descriptions));
        }
        if !self.interfaces_told && !self.interfaces.is_empty() {
            unsaid.push((Report::Interface, self.interfaces.clone()));
        }
        self.sampling_told = true;
        self.descriptions_told = self.descriptions.len();
        self.interfaces_told = true;
        unsaid
    }

    /// All of it is to be said again.
    pub const fn again(&mut self) {
        self.sampling_told = false;
        self.descriptions_told = 0;
        self.interfaces_told = false;
    }
}
