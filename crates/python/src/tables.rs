// SPDX-License-Identifier: Apache-2.0
//! The tables that the native half is made of, as plain Python values.

use penstock_meter::{KeyLayout, OptionKind, PLUGINS};
use penstock_record::{Column, ElementUse};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::errors::CoreError;
use crate::source::Filter;

/// Every column of the normalised schema, in its order.
#[pyfunction]
pub(crate) fn columns(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let rows = PyList::empty(py);
    for column in Column::all() {
        let spec = column.spec();
        let elements = spec.elements.iter().map(ElementUse::element).map(ToString::to_string);
        let row = PyDict::new(py);
        row.set_item("name", spec.name)?;
        row.set_item("type", spec.kind.to_string())?;
        row.set_item("group", spec.group)?;
        row.set_item("elements", elements.collect::<Vec<_>>())?;
        row.set_item("clickhouse", spec.clickhouse)?;
        row.set_item("summary", spec.summary)?;
        rows.append(row)?;
    }
    Ok(rows)
}

/// Every plugin of this build, in the table's order.
#[pyfunction]
pub(crate) fn plugins(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let rows = PyList::empty(py);
    for spec in PLUGINS {
        let options = PyList::empty(py);
        for option in spec.options {
            let row = PyDict::new(py);
            let kind = match option.kind {
                OptionKind::Bool => "bool",
                OptionKind::Integer { .. } => "integer",
            };
            row.set_item("name", option.name)?;
            row.set_item("alias", option.alias)?;
            row.set_item("type", kind)?;
            row.set_item("default", option.default)?;
            row.set_item("summary", option.summary)?;
            options.append(row)?;
        }
        let row = PyDict::new(py);
        row.set_item("name", spec.name)?;
        row.set_item("summary", spec.summary)?;
        row.set_item("reference", spec.reference)?;
        row.set_item("example", spec.example)?;
        let columns = spec.columns.iter().map(|column| column.name());
        row.set_item("columns", columns.collect::<Vec<_>>())?;
        row.set_item("options", options)?;
        rows.append(row)?;
    }
    Ok(rows)
}

/// Every information element that is known, by enterprise and number.
#[pyfunction]
pub(crate) fn elements(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let rows = PyList::empty(py);
    for element in penstock_elements::all() {
        let row = PyDict::new(py);
        row.set_item("pen", element.pen)?;
        row.set_item("id", element.id)?;
        row.set_item("name", element.to_string())?;
        row.set_item("type", element.data_type.name())?;
        row.set_item("semantics", element.semantics.name())?;
        row.set_item("units", element.units)?;
        rows.append(row)?;
    }
    Ok(rows)
}

/// What a cache's key may be made of, the default key's fields first.
#[pyfunction]
pub(crate) fn key_fields() -> Vec<&'static str> {
    KeyLayout::field_names().collect()
}

/// Compiles a pcap-filter(7) expression, or says why it cannot.
#[pyfunction]
pub(crate) fn check_filter(py: Python<'_>, expression: &str) -> PyResult<()> {
    py.detach(|| Filter::new(expression).map(|_| ())).map_err(|error| CoreError::from(error).into())
}
