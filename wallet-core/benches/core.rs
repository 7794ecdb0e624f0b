//! Benchmarks of the core: `cargo bench -p wallet-core`.
#![allow(clippy::unwrap_used, reason = "a failed step ends the benchmark")]

mod fixture;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use wallet_core::{Catalogs, UnitOfWork, Wallet};

use crate::fixture::{NOW, TTL, operation, reserve, run, settle, wallet};

/// The holds that expire together.
const HOLDS: u64 = 1_000;

fn estimate(criterion: &mut Criterion) {
    let (catalogs, operation) = (fixture::catalogs(), operation());
    criterion.bench_function("estimate", |bench| {
        bench.iter(|| catalogs.current.price(black_box(&operation), None));
    });
}

fn commands(criterion: &mut Criterion) {
    let catalogs = fixture::catalogs();
    let (fresh, held) = (wallet(&catalogs), wallet_with_holds(1, &catalogs));
    let (reserve, settle) = (reserve(0), settle(0));
    criterion.bench_function("reserve", |bench| {
        bench.iter_batched_ref(
            || fresh.clone(),
            |wallet| run(wallet, &reserve, &catalogs),
            BatchSize::SmallInput,
        );
    });
    criterion.bench_function("settle", |bench| {
        bench.iter_batched_ref(
            || held.clone(),
            |wallet| run(wallet, &settle, &catalogs),
            BatchSize::SmallInput,
        );
    });
}

fn due(criterion: &mut Criterion) {
    let wallet = wallet_with_holds(HOLDS, &fixture::catalogs());
    criterion.bench_function("process_due of 1,000 holds", |bench| {
        bench.iter_batched_ref(
            || wallet.clone(),
            |wallet| {
                let mut work = UnitOfWork::open(wallet, NOW.plus(TTL));
                work.process_due().unwrap();
                let finished = work.finish();
                assert_eq!(finished.entries.len() as u64, HOLDS);
                finished
            },
            BatchSize::LargeInput,
        );
    });
}

fn hash(criterion: &mut Criterion) {
    let catalogs = fixture::catalogs();
    let mut wallet = wallet(&catalogs);
    let head = wallet.head;
    let entry = run(&mut wallet, &reserve(0), &catalogs).entries.remove(0);
    criterion.bench_function("hash of an entry", |bench| {
        bench.iter(|| black_box(&entry).hash_after(&head));
    });
}

fn wallet_with_holds(holds: u64, catalogs: &Catalogs) -> Wallet {
    let mut wallet = wallet(catalogs);
    for job in 0..holds {
        run(&mut wallet, &reserve(job), catalogs);
    }
    wallet
}

criterion_group!(benches, estimate, commands, due, hash);
criterion_main!(benches);
