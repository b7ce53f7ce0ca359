//! Counts what an instance holds and says no at the limit.
//!
//! ```text
//! guest grows ──→ Meter (this instance) ──→ HostMeter (all instances of the process)
//!                  64 MiB                     25 % of the machine's memory
//! ```
//!
//! Invariant: what a `Meter` reserved in the `HostMeter` is given back when it is dropped.
//! The flag [`Meter::hit`] decides that a call ran out of memory; error texts never do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use wasmtime::ResourceLimiter;

use super::limits::{self, Limit, Limits};

/// What all instances of this process hold together.
#[derive(Debug)]
pub struct HostMeter {
    memory_bytes: AtomicU64,
    memory_bytes_max: u64,
    instances: AtomicU32,
    instances_max: u32,
}

impl HostMeter {
    /// Creates a meter with these bounds.
    #[must_use]
    pub fn new(memory_bytes_max: u64, instances_max: u32) -> Arc<Self> {
        Arc::new(Self {
            memory_bytes: AtomicU64::new(0),
            memory_bytes_max,
            instances: AtomicU32::new(0),
            instances_max,
        })
    }

    /// Returns the bytes of guest memory in use.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes.load(Ordering::Relaxed)
    }

    /// Returns the number of live instances.
    #[must_use]
    pub fn instances(&self) -> u32 {
        self.instances.load(Ordering::Relaxed)
    }

    /// Answers whether so many more bytes of guest memory would be within the bound.
    pub(super) fn has_room(&self, bytes: u64) -> bool {
        self.memory_bytes().saturating_add(bytes) <= self.memory_bytes_max
    }

    fn reserve(&self, bytes: u64) -> bool {
        self.memory_bytes
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |held| {
                held.checked_add(bytes).filter(|next| *next <= self.memory_bytes_max)
            })
            .is_ok()
    }

    fn release(&self, bytes: u64) {
        self.memory_bytes.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// Counts one more live instance.
    ///
    /// # Errors
    ///
    /// [`Limit::HostInstances`] when there are as many as allowed.
    pub(super) fn admit(self: &Arc<Self>, limits: &Limits) -> Result<Meter, Limit> {
        self.instances
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |live| {
                (live < self.instances_max).then_some(live + 1)
            })
            .map_err(|_| Limit::HostInstances)?;
        Ok(Meter {
            host: Arc::clone(self),
            bytes: 0,
            bytes_max: limits.memory_bytes,
            bytes_peak: 0,
            last: 0,
            hit: None,
        })
    }
}

/// What one instance holds.
#[derive(Debug)]
pub(super) struct Meter {
    host: Arc<HostMeter>,
    bytes: u64,
    bytes_max: u64,
    bytes_peak: u64,
    /// The last growth that was allowed, taken back when the allocation then fails.
    last: u64,
    hit: Option<Limit>,
}

impl Meter {
    /// Returns the limit this instance ran into, if any.
    pub(super) fn hit(&self) -> Option<Limit> {
        self.hit
    }

    /// Returns the most memory held at one time, in bytes.
    pub(super) fn bytes_peak(&self) -> u64 {
        self.bytes_peak
    }

    /// Forgets what the call before ran into; what the instance holds stays counted.
    pub(super) fn restart(&mut self) {
        self.hit = None;
        self.bytes_peak = self.bytes;
    }

    fn refuse(&mut self, limit: Limit) -> bool {
        self.hit = Some(limit);
        false
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.host.release(self.bytes);
        self.host.instances.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The guest sees a refused growth as -1 and may handle it; most abort. Either way `hit` tells.
impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current) as u64;
        let Some(next) = self.bytes.checked_add(growth).filter(|next| *next <= self.bytes_max)
        else {
            return Ok(self.refuse(Limit::Memory));
        };
        if !self.host.reserve(growth) {
            return Ok(self.refuse(Limit::HostMemory));
        }
        self.last = growth;
        self.bytes = next;
        self.bytes_peak = self.bytes_peak.max(next);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        // The limiter said yes, the allocator no: take the growth back or the count stays high.
        let last = std::mem::take(&mut self.last);
        self.bytes = self.bytes.saturating_sub(last);
        self.host.release(last);
        self.hit = Some(Limit::Memory);
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > limits::TABLE_ELEMENTS as usize {
            return Ok(self.refuse(Limit::Tables));
        }
        Ok(true)
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.hit = Some(Limit::Tables);
        Ok(())
    }

    fn instances(&self) -> usize {
        limits::CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        limits::TABLES as usize
    }

    fn memories(&self) -> usize {
        limits::MEMORIES as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(host: &Arc<HostMeter>, bytes_max: u64) -> Meter {
        host.admit(&Limits { memory_bytes: bytes_max, ..Limits::default() }).unwrap()
    }

    #[test]
    fn all_memories_of_an_instance_count_together() {
        let host = HostMeter::new(1_000, 10);
        let mut meter = meter(&host, 100);
        assert!(meter.memory_growing(0, 60, None).unwrap());
        assert!(meter.memory_growing(0, 40, None).unwrap(), "exactly the limit");
        assert!(!meter.memory_growing(40, 41, None).unwrap(), "one byte more");
        assert_eq!((meter.hit(), meter.bytes_peak()), (Some(Limit::Memory), 100));
    }

    #[test]
    fn a_failed_allocation_is_taken_back() {
        let host = HostMeter::new(1_000, 10);
        let mut meter = meter(&host, 100);
        assert!(meter.memory_growing(0, 80, None).unwrap());
        meter.memory_grow_failed(wasmtime::Error::msg("no room")).unwrap();
        assert_eq!(host.memory_bytes(), 0);
        assert!(meter.memory_growing(0, 100, None).unwrap());
    }

    #[test]
    fn the_host_bound_holds_over_instances_and_is_given_back() {
        let host = HostMeter::new(100, 2);
        let mut first = meter(&host, 100);
        let mut second = meter(&host, 100);
        assert!(first.memory_growing(0, 70, None).unwrap());
        assert!(!second.memory_growing(0, 31, None).unwrap());
        assert_eq!(second.hit(), Some(Limit::HostMemory));
        assert_eq!(host.admit(&Limits::default()).unwrap_err(), Limit::HostInstances);
        drop(first);
        assert_eq!((host.memory_bytes(), host.instances()), (0, 1));
    }

    #[test]
    fn a_table_stops_at_its_elements() {
        let host = HostMeter::new(100, 1);
        let mut meter = meter(&host, 100);
        let max = limits::TABLE_ELEMENTS as usize;
        assert!(meter.table_growing(0, max, None).unwrap());
        assert!(!meter.table_growing(max, max + 1, None).unwrap());
        assert_eq!(meter.hit(), Some(Limit::Tables));
    }
}
