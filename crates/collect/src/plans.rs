// SPDX-License-Identifier: Apache-2.0
//! Compiled templates, shared by everybody who sends the same: of ten thousand routers, most do.

use std::collections::HashMap;
use std::sync::Arc;

use penstock_codec::{Field, Template};

use crate::exporters::Compiled;
use crate::rows::{Dialect, Plan};

/// Every plan in use.
#[derive(Default)]
pub(crate) struct Plans {
    plans: HashMap<(Dialect, Box<[Field]>), Arc<Plan>>,
    /// Plans at which those that nobody uses any more are looked for.
    crowded: usize,
}

impl Plans {
    /// What a template becomes, whatever its number.
    pub fn of(&mut self, template: &Template, dialect: Dialect) -> Compiled {
        if template.is_options() {
            Compiled::Options
        } else {
            Compiled::Flows(self.plan(template, dialect))
        }
    }

    fn plan(&mut self, template: &Template, dialect: Dialect) -> Arc<Plan> {
        if self.plans.len() >= self.crowded {
            self.plans.retain(|_, plan| Arc::strong_count(plan) > 1);
            self.crowded = (2 * self.plans.len()).max(LEAST_CROWD);
        }
        let key = (dialect, template.fields.clone());
        let plan = self.plans.entry(key);
        Arc::clone(plan.or_insert_with(|| Arc::new(Plan::compile(template, dialect))))
    }
}

const LEAST_CROWD: usize = 1_024;
