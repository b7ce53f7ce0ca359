//! Runaways: how late after its deadline is a spinning guest ended, and how late are others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ax_host::plugin::{Call, CallError, Limit, Limits};

use crate::Effort;
use crate::sandbox::Ours;
use ax_tests::row::{Bar, Row, percentile};

const DEADLINE: Duration = Duration::from_millis(100);
/// The clock of an innocent bystander on the I/O runtime.
const TIMER: Duration = Duration::from_millis(2);
const LATE_MAX: Duration = Duration::from_millis(15);

pub(crate) fn run(effort: Effort) -> Vec<Row> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let limits =
        Limits { fuel: u64::MAX / 2, deadline: DEADLINE, concurrency: 1_000, ..Limits::default() };
    let ours = Ours::new(200, cores, limits);
    let mut rows = Vec::new();
    for runaways in [1, cores, 8 * cores] {
        let mut late = Vec::new();
        let mut timers = Vec::new();
        for _ in 0..effort.rounds(20).max(3) {
            let (killed, bystander) = round(&ours, runaways);
            late.extend(killed);
            timers.extend(bystander);
        }
        let name = |what: &str| format!("{what}, {runaways} runaways");
        rows.push(Row::time(
            &name("killed late p99"),
            percentile(&mut late, 99),
            None,
            Bar::AtMost(LATE_MAX),
        ));
        rows.push(Row::time(
            &name("another timer late p99"),
            percentile(&mut timers, 99),
            None,
            Bar::AtMost(LATE_MAX),
        ));
    }
    rows
}

/// Starts runaways at once; returns how late each was ended, and how late a timer was meanwhile.
fn round(ours: &Ours, runaways: usize) -> (Vec<Duration>, Vec<Duration>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let began = Instant::now();
        let calls: Vec<_> = (0..runaways)
            .map(|_| {
                let (host, plugin) = (Arc::clone(&ours.host), Arc::clone(&ours.plugin));
                async move {
                    let report = host.call(&plugin, Call::new("spin", "{}")).await;
                    let ended = matches!(
                        report.result,
                        Err(CallError::Exhausted { limit: Limit::Time, .. })
                    );
                    assert!(ended, "{:?}", report.result);
                    Duration::from_micros(report.usage.duration_us).saturating_sub(DEADLINE)
                }
            })
            .collect();
        let watch = async {
            let mut late = Vec::new();
            while began.elapsed() < DEADLINE {
                let asked = Instant::now();
                tokio::time::sleep(TIMER).await;
                late.push(asked.elapsed().saturating_sub(TIMER));
            }
            late
        };
        tokio::join!(futures(calls), watch)
    })
}

/// Waits for all of them at the same time.
async fn futures<F: Future>(all: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<_> = all.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    std::future::poll_fn(move |context| {
        for (future, slot) in running.iter_mut().zip(&mut done) {
            if slot.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *slot = Some(value);
            }
        }
        match done.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(done.drain(..).flatten().collect()),
            false => std::task::Poll::Pending,
        }
    })
    .await
}
