// SPDX-License-Identifier: Apache-2.0
//! libpcap's compiler, found at run time. Unsafe code of this crate, beside that of UDP.
//!
//! A handle for compiling alone (`pcap_open_dead`) will not do: libpcap makes other programs for
//! files, of BSD loopback frames for one, and those are what tcpdump runs. So it is given a file
//! in memory that has a header and no packets.
#![allow(unsafe_code, reason = "libpcap is C")]

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::sync::{Mutex, OnceLock, PoisonError};

use libc::FILE;
use libloading::Library;

use super::{FilterError, Instruction};

/// Compiles for the packets of a pcap file with this header, made by [`header`].
pub(super) fn compile(expression: &str, header: [u8; 24]) -> Result<Vec<Instruction>, FilterError> {
    static LIBRARY: OnceLock<Result<Libpcap, String>> = OnceLock::new();
    // Before 1.8 the compiler keeps its state in globals.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    let wrong =
        |problem: String| FilterError::Expression { expression: expression.to_owned(), problem };
    let words = CString::new(expression).map_err(|_| wrong("holds a zero octet".to_owned()))?;
    let library = LIBRARY.get_or_init(Libpcap::load);
    let library = library.as_ref().map_err(|problem| FilterError::NoLibrary(problem.clone()))?;
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    library.compile(&words, header).map_err(wrong)
}

/// The header of a pcap file, in the byte order that `order` gives to numbers.
pub(super) fn header(link: u16, snaplen: u32, order: fn(u32) -> [u8; 4]) -> [u8; 24] {
    let version = match order(1) {
        [1, ..] => 4 << 16 | 2,
        _ => 2 << 16 | 4,
    };
    let mut header = [0; 24];
    let fields = [0xa1b2_c3d4, version, 0, 0, snaplen, link.into()];
    for (octets, field) in header.chunks_exact_mut(4).zip(fields) {
        octets.copy_from_slice(&order(field));
    }
    header
}

/// A `pcap_t`.
type Handle = *mut c_void;

/// `struct bpf_program`.
#[repr(C)]
struct RawProgram {
    len: c_uint,
    instructions: *mut Instruction,
}

/// The functions of libpcap that we use, which stay valid as long as the library is loaded.
struct Libpcap {
    fopen_offline: unsafe extern "C" fn(*mut FILE, *mut c_char) -> Handle,
    compile: unsafe extern "C" fn(Handle, *mut RawProgram, *const c_char, c_int, c_uint) -> c_int,
    geterr: unsafe extern "C" fn(Handle) -> *mut c_char,
    freecode: unsafe extern "C" fn(*mut RawProgram),
    close: unsafe extern "C" fn(Handle),
    _library: Library,
}

impl Libpcap {
    fn load() -> Result<Self, String> {
        // SAFETY: libpcap's initialisers only prepare libpcap and the libraries it uses.
        let found = NAMES.iter().find_map(|name| unsafe { Library::new(*name) }.ok());
        let library = found.ok_or_else(|| format!("filters need libpcap: {INSTALL}"))?;
        // SAFETY: the signatures are those of pcap.h, the same in all versions, and the pointers
        // are kept together with the library.
        let functions = unsafe {
            (|| {
                Ok::<_, libloading::Error>(Self {
                    fopen_offline: *library.get(b"pcap_fopen_offline\0")?,
                    compile: *library.get(b"pcap_compile\0")?,
                    geterr: *library.get(b"pcap_geterr\0")?,
                    freecode: *library.get(b"pcap_freecode\0")?,
                    close: *library.get(b"pcap_close\0")?,
                    _library: library,
                })
            })()
        };
        functions.map_err(|error| format!("this libpcap cannot be used ({error}): {INSTALL}"))
    }

    fn compile(&self, words: &CStr, header: [u8; 24]) -> Result<Vec<Instruction>, String> {
        let mut header = header;
        let handle = self.open(&mut header)?;
        let mut raw = RawProgram { len: 0, instructions: ptr::null_mut() };
        // SAFETY: the handle is open, `raw` lives through the call, `words` ends with a zero octet.
        let status =
            unsafe { (self.compile)(handle, &raw mut raw, words.as_ptr(), OPTIMISE, NO_NETMASK) };
        let result = if status == 0 && !raw.instructions.is_null() {
            // SAFETY: after success libpcap has written `len` instructions there, in the layout
            // that `Instruction` has, and nobody else writes to them.
            let made = unsafe { std::slice::from_raw_parts(raw.instructions, raw.len as usize) };
            let program = made.to_vec();
            // SAFETY: the program came from pcap_compile and is freed once.
            unsafe { (self.freecode)(&raw mut raw) };
            Ok(program)
        } else {
            // SAFETY: the handle is open; the text is a C string in it, copied before it closes.
            let text = unsafe { CStr::from_ptr((self.geterr)(handle)) };
            Err(text.to_string_lossy().trim().to_owned())
        };
        // SAFETY: the handle is open, and not used again.
        unsafe { (self.close)(handle) };
        result
    }

    /// A handle that reads `header`, which has to stay until it is closed.
    fn open(&self, header: &mut [u8; 24]) -> Result<Handle, String> {
        // SAFETY: the buffer is as long as said and outlives the stream, which only reads.
        let file =
            unsafe { libc::fmemopen(header.as_mut_ptr().cast(), header.len(), c"rb".as_ptr()) };
        if file.is_null() {
            return Err(std::io::Error::last_os_error().to_string());
        }
        let mut text: [c_char; ERROR_OCTETS] = [0; ERROR_OCTETS];
        // SAFETY: the stream is open, and the text has the room that pcap.h asks for.
        let handle = unsafe { (self.fopen_offline)(file, text.as_mut_ptr()) };
        if !handle.is_null() {
            return Ok(handle);
        }
        // SAFETY: without a handle the stream is still ours, and is closed once.
        unsafe { libc::fclose(file) };
        // SAFETY: libpcap has ended its text with a zero octet, and it was zero before.
        Err(unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned())
    }
}

/// The library by the names that Linux distributions, Debian and macOS give it.
const NAMES: &[&str] = &[
    "libpcap.so.1",
    "libpcap.so.0.8",
    "libpcap.so",
    "libpcap.A.dylib",
    "libpcap.dylib",
    "/usr/lib/libpcap.A.dylib",
    "/opt/homebrew/opt/libpcap/lib/libpcap.dylib",
];
const INSTALL: &str =
    "install the package libpcap0.8 (Debian: apt-get install libpcap0.8) or libpcap";
/// `PCAP_ERRBUF_SIZE`.
const ERROR_OCTETS: usize = 256;
const OPTIMISE: c_int = 1;
/// `PCAP_NETMASK_UNKNOWN`: `ip broadcast` is then refused.
const NO_NETMASK: c_uint = 0xffff_ffff;
