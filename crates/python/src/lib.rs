// SPDX-License-Identifier: Apache-2.0
//! Penstock for Python: arguments in, Arrow capsules out, errors across. No logic lives
//! here; what Python sees is described in `_core.pyi`.

mod batch;
mod collector;
mod errors;
mod exports;
mod ipfix;
mod ledger;
mod memory;
mod meter;
mod quarantine;
mod source;
mod tables;
mod traffic;
mod udp;

use pyo3::prelude::*;

/// The native half of the `penstock` package.
#[pymodule]
mod _core {
    #[pymodule_export]
    use crate::batch::{Batch, encode_csv, encode_json, encode_text};
    #[pymodule_export]
    use crate::collector::Collector;
    #[pymodule_export]
    use crate::ipfix::{IpfixEncoder, Messages};
    #[pymodule_export]
    use crate::meter::Meter;
    #[pymodule_export]
    use crate::tables::{check_filter, columns, elements, key_fields, plugins};
    #[pymodule_export]
    use crate::traffic::{Traffic, UdpFanout};
    #[pymodule_export]
    use crate::udp::{UdpListener, UdpSender};

    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("DEBUG_BUILD", cfg!(debug_assertions))
    }
}
