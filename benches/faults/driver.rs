//! Begins logins at a rate, whatever becomes of those before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::books::Books;
use crate::login::{Shop, Twice};

pub struct Driver {
    ended: Arc<AtomicBool>,
    under_way: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Driver {
    pub fn start(rate: u32, shop: Arc<Shop>, books: Arc<Books>) -> Self {
        let (ended, under_way) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (over, counted) = (ended.clone(), under_way.clone());
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for number in 0_usize.. {
                ticks.tick().await;
                if over.load(Ordering::Relaxed) {
                    return;
                }
                // A machine that is too slow for the rate is not to be drowned: the books will show that it was.
                if counted.load(Ordering::Relaxed) >= rate as usize * 5 {
                    continue;
                }
                let (shop, books, counted) = (shop.clone(), books.clone(), counted.clone());
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let began = Instant::now();
                    let outcome = one(number, &shop).await;
                    books.record(began, outcome);
                    counted.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Self { ended, under_way, task }
    }

    /// Begins no more, and waits for those under way.
    pub async fn finish(self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = self.task.await;
        while self.under_way.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Mostly people who are signed in already; some type their password, some clients come back, some try what must fail.
async fn one(number: usize, shop: &Shop) -> Result<(), crate::login::Failure> {
    let person = shop.chance(shop.people.len());
    match number % 40 {
        0 => shop.sign_in(person).await,
        10 => shop.sign_on(person, Some(Twice::Again)).await,
        20 => shop.sign_on(person, Some(Twice::AtOnce)).await,
        5 | 15 | 25 | 35 => shop.refresh().await,
        _ => shop.sign_on(person, None).await,
    }
}
