// SPDX-License-Identifier: Apache-2.0
//! Record batches, and their encodings.

use arrow_array::ffi::{FFI_ArrowArray, from_ffi};
use arrow_array::{Array, RecordBatch, StructArray};
use arrow_schema::DataType;
use arrow_schema::ffi::FFI_ArrowSchema;
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyTuple};

use crate::errors::CoreError;

/// One Arrow record batch of the normalised flow schema.
#[pyclass(frozen, module = "penstock._core")]
pub(crate) struct Batch(pub RecordBatch);

#[pymethods]
impl Batch {
    #[getter]
    fn num_rows(&self) -> usize {
        self.0.num_rows()
    }

    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.0.schema_ref().fields().iter().map(|field| field.name().clone()).collect()
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.0.get_array_memory_size()
    }

    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(self.0.schema_ref().as_ref()).map_err(arrow)?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        // The protocol lets a producer answer with its own schema.
        drop(requested_schema);
        let array = FFI_ArrowArray::new(&StructArray::from(self.0.clone()).to_data());
        let array = PyCapsule::new_with_value(py, array, c"arrow_array")?;
        PyTuple::new(py, [self.__arrow_c_schema__(py)?, array])
    }

    fn with_text_addresses(&self, py: Python<'_>) -> Self {
        py.detach(|| Self(penstock_record::text_addresses(&self.0)))
    }

    fn select(&self, columns: Vec<String>) -> PyResult<Self> {
        let place = |name: &String| {
            self.0.schema_ref().index_of(name).map_err(|_| PyKeyError::new_err(name.clone()))
        };
        let places = columns.iter().map(place).collect::<PyResult<Vec<_>>>()?;
        Ok(Self(self.0.project(&places).map_err(arrow)?))
    }

    fn split_biflows(&self, py: Python<'_>) -> Self {
        py.detach(|| Self(penstock_record::split_biflows(&self.0)))
    }

    #[staticmethod]
    fn from_arrow(array: &Bound<'_, PyAny>) -> PyResult<Self> {
        let capsules = array.call_method0("__arrow_c_array__")?;
        let (schema, array): (Bound<'_, PyCapsule>, Bound<'_, PyCapsule>) = capsules.extract()?;
        let schema = schema.pointer_checked(Some(c"arrow_schema"))?.cast::<FFI_ArrowSchema>();
        let array = array.pointer_checked(Some(c"arrow_array"))?.cast::<FFI_ArrowArray>();
        // SAFETY: capsules of these names hold these structs (Arrow PyCapsule interface), and
        // are alive while we hold them. The array is moved out and marked as released, as the
        // interface asks of a consumer.
        let data = unsafe {
            let array = FFI_ArrowArray::from_raw(array.as_ptr());
            from_ffi(array, schema.as_ref()).map_err(arrow)?
        };
        if !matches!(data.data_type(), DataType::Struct(_)) {
            return Err(PyValueError::new_err("not a record batch"));
        }
        Ok(Self(RecordBatch::from(StructArray::from(data))))
    }
}

/// JSON lines.
#[pyfunction]
#[pyo3(signature = (batch, *, columns=None))]
pub(crate) fn encode_json<'py>(
    py: Python<'py>,
    batch: &Bound<'py, Batch>,
    columns: Option<Vec<String>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let batch = &batch.get().0;
    let columns = columns.as_deref().map(names);
    encode(py, |out| penstock_export::json_lines(batch, columns.as_deref(), out))
}

/// CSV.
#[pyfunction]
#[pyo3(signature = (batch, *, columns, header))]
pub(crate) fn encode_csv<'py>(
    py: Python<'py>,
    batch: &Bound<'py, Batch>,
    columns: Vec<String>,
    header: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let batch = &batch.get().0;
    encode(py, |out| penstock_export::csv(batch, &names(&columns), header, out))
}

/// Lines for people.
#[pyfunction]
#[pyo3(signature = (batch, *, columns, header, color))]
pub(crate) fn encode_text<'py>(
    py: Python<'py>,
    batch: &Bound<'py, Batch>,
    columns: Vec<String>,
    header: bool,
    color: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let batch = &batch.get().0;
    encode(py, |out| penstock_export::text(batch, &names(&columns), header, color, out))
}

fn encode(
    py: Python<'_>,
    encoder: impl FnOnce(&mut Vec<u8>) -> Result<(), penstock_export::EncodeError> + Send,
) -> PyResult<Bound<'_, PyBytes>> {
    let mut out = Vec::new();
    py.detach(|| encoder(&mut out)).map_err(CoreError::from)?;
    Ok(PyBytes::new(py, &out))
}

fn names(columns: &[String]) -> Vec<&str> {
    columns.iter().map(String::as_str).collect()
}

fn arrow(error: arrow_schema::ArrowError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
