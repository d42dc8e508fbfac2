//! What a thread holds of memory, by the allocator's own count: it knows what no estimate does, and costs two readings.
//!
//! Where the program's allocator is another one the count stands still, and nothing is bounded by it.

use std::ffi::CStr;
use std::ptr::{from_mut, null, null_mut};

thread_local! {
    /// What was taken, and what was given back.
    static COUNTERS: Option<[*const u64; 2]> =
        counter(c"thread.allocatedp").zip(counter(c"thread.deallocatedp")).map(|(taken, given)| [taken, given]);
}

/// Bytes that this thread has taken and not given back; below zero where it gave back what others took.
#[expect(unsafe_code, reason = "jemalloc shows the counters of a thread by their addresses")]
#[must_use]
pub fn taken() -> i64 {
    COUNTERS.with(|counters| {
        let Some([taken, given]) = *counters else { return 0 };
        // SAFETY: these are this thread's own counters, which live as long as it does and which only it writes.
        unsafe { (*taken).wrapping_sub(*given) }.cast_signed()
    })
}

/// Where jemalloc counts for this thread.
#[expect(unsafe_code, reason = "jemalloc is asked by a C function")]
fn counter(name: &CStr) -> Option<*const u64> {
    let mut address: *const u64 = null();
    let mut size = size_of_val(&address);
    // SAFETY: the name ends with a zero, the value is written into `address`, whose size is given, and nothing is set.
    let failed = unsafe {
        tikv_jemalloc_sys::mallctl(name.as_ptr(), from_mut(&mut address).cast(), &raw mut size, null_mut(), 0)
    };
    (failed == 0 && !address.is_null()).then_some(address)
}
