// SPDX-License-Identifier: Apache-2.0
//! The ledger's rows as Python values.

use penstock_record::LedgerRow;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// A dict a row.
pub(crate) fn listed(py: Python<'_>, rows: Vec<LedgerRow>) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for row in rows {
        let entry = PyDict::new(py);
        entry.set_item("stage", row.stage)?;
        entry.set_item("kind", row.fate.name())?;
        entry.set_item("reason", row.reason)?;
        entry.set_item("unit", row.unit.name())?;
        entry.set_item("count", row.count)?;
        list.append(entry)?;
    }
    Ok(list)
}
