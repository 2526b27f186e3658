// SPDX-License-Identifier: Apache-2.0
//! Every plugin of this build.
//!
//! To add one: write `plugins/<name>.rs`, declare it here, give it a row in the table, its
//! columns a group of that name in the schema, and a capture to the tests.

mod basicplus;
mod community_id;
mod pstats;

table! {
    basicplus::Basicplus,
    pstats::Pstats,
    community_id::CommunityId,
}

/// Turns the rows above into everything that has to know all the plugins.
macro_rules! table {
    ($($module:ident::$Plugin:ident),+ $(,)?) => {
        /// What each plugin is called and what it fills.
        pub const SPECS: &[&Spec] = &[$(&<$module::$Plugin as Plugin>::SPEC),+];

        /// Makes the plugin of that name.
        fn make(
            name: &str,
            options: &BTreeMap<String, String>,
        ) -> Result<Arc<dyn Instance>, OptionError> {
            $(if name == <$module::$Plugin as Plugin>::SPEC.name {
                return plugin::instance::<$module::$Plugin>(options);
            })+
            Err(OptionError::UnknownPlugin(name.to_owned()))
        }
    };
}
use table;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::plugin::{self, Instance, OptionError, Plugin, Spec};

/// Makes the named plugins with their options, in that order.
pub(crate) fn make_all(
    asked: &[(String, BTreeMap<String, String>)],
) -> Result<Vec<Arc<dyn Instance>>, OptionError> {
    if asked.len() > plugin::MAX_PLUGINS {
        return Err(OptionError::TooMany);
    }
    let mut made: Vec<Arc<dyn Instance>> = Vec::new();
    for (name, options) in asked {
        let instance = make(name, options)?;
        if made.iter().any(|other| other.spec().name == instance.spec().name) {
            return Err(OptionError::Twice(instance.spec().name));
        }
        made.push(instance);
    }
    Ok(made)
}
