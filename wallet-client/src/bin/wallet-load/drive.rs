//! The two loops that start jobs.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::task::TaskTracker;

use crate::args::Args;
use crate::jobs::Work;
use crate::recorder::Recorder;

/// Runs jobs until the measured time is over, and waits for the last ones.
pub(crate) async fn run(args: &Args, work: &Arc<Work>) -> Arc<Recorder> {
    let measured_from = Instant::now() + Duration::from_secs_f64(args.warm_up);
    let end = measured_from + Duration::from_secs_f64(args.seconds);
    let recorder = Arc::new(Recorder::new(measured_from..end));
    let progress = tokio::spawn(show_progress(Arc::clone(&recorder)));
    if args.seconds > 0.0 {
        match (args.interval(), args.calls_in_flight()) {
            (Some(interval), _) => open_loop(interval, work, &recorder).await,
            (None, Some(calls)) => calls_with_many(calls, args.many.unwrap_or(1), work, &recorder).await,
            (None, None) => closed_loop(args.in_flight, work, &recorder).await,
        }
    }
    progress.abort();
    recorder
}

/// Keeps a number of jobs in flight.
async fn closed_loop(in_flight: usize, work: &Arc<Work>, recorder: &Arc<Recorder>) {
    let next = Arc::new(AtomicU64::new(0));
    let tasks = TaskTracker::new();
    for _ in 0..in_flight {
        let (next, work, recorder) = (Arc::clone(&next), Arc::clone(work), Arc::clone(recorder));
        tasks.spawn(async move {
            while Instant::now() < recorder.window.end {
                work.run(next.fetch_add(1, Ordering::Relaxed), Instant::now(), &recorder).await;
            }
        });
    }
    tasks.close();
    tasks.wait().await;
}

/// Keeps a number of calls with as many items in flight.
async fn calls_with_many(calls: usize, items: u64, work: &Arc<Work>, recorder: &Arc<Recorder>) {
    let next = Arc::new(AtomicU64::new(0));
    let tasks = TaskTracker::new();
    for call in 0..calls {
        let (next, work, recorder) = (Arc::clone(&next), Arc::clone(work), Arc::clone(recorder));
        tasks.spawn(async move {
            while Instant::now() < recorder.window.end {
                let first = next.fetch_add(items, Ordering::Relaxed);
                work.run_many(call as u64, first..first + items, &recorder).await;
            }
        });
    }
    tasks.close();
    tasks.wait().await;
}

/// Starts a job per interval, however many are in flight. A late start counts as latency.
async fn open_loop(interval: Duration, work: &Arc<Work>, recorder: &Arc<Recorder>) {
    let start = Instant::now();
    let tasks = TaskTracker::new();
    for n in 0_u64.. {
        let intended = start + interval.mul_f64(n as f64);
        if intended >= recorder.window.end {
            break;
        }
        sleep_until(intended).await;
        let (work, recorder) = (Arc::clone(work), Arc::clone(recorder));
        tasks.spawn(async move { work.run(n, intended, &recorder).await });
    }
    tasks.close();
    tasks.wait().await;
}

/// Shows the throughput of each second, if standard error is a terminal.
async fn show_progress(recorder: Arc<Recorder>) {
    let start = Instant::now();
    let mut before = 0;
    while std::io::stderr().is_terminal() {
        sleep(Duration::from_secs(1)).await;
        let done = recorder.succeeded.load(Ordering::Relaxed);
        let failed = recorder.failed.load(Ordering::Relaxed);
        let phase =
            if recorder.window.contains(&Instant::now()) { "measuring" } else { "warming up or ending" };
        let seconds = start.elapsed().as_secs();
        let line = format!("\r{seconds} s: {} commands/s, {failed} errors, {phase}\x1b[K", done - before);
        // A progress line that cannot be written is no reason to stop.
        let _ = std::io::stderr().write_all(line.as_bytes());
        before = done;
    }
}
