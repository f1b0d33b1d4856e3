//! The night: what happens, when, and what people may notice of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::block_in_place;

use crate::balancer::Balancer;
use crate::books::{Books, Sum};
use crate::driver::Driver;
use crate::login::Shop;
use crate::node::Node;
use crate::options::Options;
use crate::people;
use crate::postgres::Postgres;
use crate::redis::Redis;
use crate::site::{HOST, Site};

/// Everything works again so soon after the cause is gone.
const RECOVERY: Duration = Duration::from_secs(10);

/// What people may notice.
#[derive(Clone, Copy, Debug)]
enum Allowed {
    Nothing,
    /// As many as were with the node.
    UnderWay(usize),
    /// While it lasts, requests are refused.
    Outage,
}

/// Something that happened.
struct Event {
    name: &'static str,
    at: Duration,
    /// When the cause was gone: the server is back, or has a successor.
    repaired: Duration,
    allowed: Allowed,
    /// The last failure after the cause was gone.
    recovered: Option<Duration>,
    seen: Sum,
}

struct Night<'a> {
    options: &'a Options,
    books: Arc<Books>,
    shop: Arc<Shop>,
    events: Vec<Event>,
}

/// Runs it all; says whether it went well.
pub async fn night(options: &Options) -> bool {
    let (mut redis, mut postgres) = (Redis::start(), Postgres::start());
    let site = Site::new(&postgres, &redis);
    println!("{} people settle in", options.people());
    let [mut a, mut b] = ["A", "B"].map(|name| Node::new(name, &site));
    // The build that comes first makes the tables, as it did in its time.
    a.start(&site, options.previous()).await;
    b.start(&site, options.previous()).await;
    let people = people::settle(&site.settings(), options.people()).await;
    let nodes = [&a, &b].map(|node| (node.name, node.port, node.private));
    let balancer = Balancer::new(HOST, &nodes);
    let shop = Arc::new(Shop::new(balancer.clone(), people));
    tokio::time::sleep(Duration::from_secs(1)).await;
    warm_up(&shop).await;
    let books = Arc::new(Books::open());
    let driver = Driver::start(options.rate(), shop.clone(), books.clone());
    let printer = tokio::spawn(print(books.clone()));
    let mut night = Night { options, books: books.clone(), shop: shop.clone(), events: Vec::new() };

    night.begins("two nodes, nothing happens", Allowed::Nothing);
    if !night.ends().await {
        println!("this machine is too slow or too busy for {} logins a second: try --rate", options.rate());
        return false;
    }
    night.node_dies(&mut a).await;
    night.begins("node A starts again", Allowed::Nothing);
    a.start(&site, options.previous()).await;
    night.ends().await;
    for (node, name) in [(&mut b, "node B is rolled to the new build"), (&mut a, "node A is rolled too")] {
        night.node_is_rolled(node, name, &site).await;
    }
    night.begins("Redis is restarted and remembers", Allowed::Outage);
    block_in_place(|| redis.restart(true));
    night.ends().await;
    night.begins("Redis is restarted and forgets", Allowed::Outage);
    shop.memory.fetch_add(1, Ordering::SeqCst);
    block_in_place(|| redis.restart(false));
    shop.memory.fetch_add(1, Ordering::SeqCst);
    night.ends().await;
    night.begins("PostgreSQL's primary is killed with -9", Allowed::Outage);
    block_in_place(|| postgres.fail_over(Duration::from_secs(1)));
    night.ends().await;

    driver.finish().await;
    printer.abort();
    for node in [&mut a, &mut b] {
        if let Some(folder) = &options.logs {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(folder.join(format!("{}.log", node.name)), node.log()).unwrap();
        }
    }
    night.verdict().await
}

/// Everybody signs on once, agrees if asked, and types the password once.
async fn warm_up(shop: &Shop) {
    for person in 0..shop.people.len() {
        let outcome = shop.sign_in(person).await;
        assert!(outcome.is_ok(), "before anything happens: {outcome:?}");
    }
}

async fn print(books: Arc<Books>) {
    Books::print_head();
    for second in 0.. {
        let over = Duration::from_secs(second + 1) + Duration::from_millis(100);
        tokio::time::sleep(over.saturating_sub(books.now())).await;
        books.print(second);
    }
}

impl Night<'_> {
    /// Kills a node with whatever is with it.
    async fn node_dies(&mut self, node: &mut Node) {
        let before = self.requests_of(node);
        self.begins("node A is killed with -9", Allowed::Nothing);
        node.kill();
        self.allow_what_was_with(node, before);
        self.ends().await;
    }

    /// Replaces a node by another build of it.
    async fn node_is_rolled(&mut self, node: &mut Node, name: &'static str, site: &Site) {
        let before = self.requests_of(node);
        self.begins(name, Allowed::Nothing);
        let drains = node.drains;
        node.stop().await;
        // A build that says nothing before it stops closes connections on which a request is just coming.
        if !drains {
            self.allow_what_was_with(node, before);
        }
        node.start(site, &self.options.program).await;
        self.ends().await;
    }

    /// Requests that are with a node, and those that ever were.
    fn requests_of(&self, node: &Node) -> (usize, usize) {
        let backend = self.shop.balancer.backends.iter().find(|backend| backend.name == node.name);
        backend.unwrap().requests()
    }

    fn allow_what_was_with(&mut self, node: &Node, (under_way, sent): (usize, usize)) {
        let (_, after) = self.requests_of(node);
        self.events.last_mut().unwrap().allowed = Allowed::UnderWay(under_way + after - sent);
    }

    fn begins(&mut self, name: &'static str, allowed: Allowed) {
        let at = self.books.now();
        if let Some(last) = self.events.last_mut() {
            last.seen = self.books.sum(last.at, at);
        }
        self.books.headline(name);
        self.events.push(Event { name, at, repaired: at, allowed, recovered: None, seen: Sum::default() });
    }

    /// The cause is gone: waits until all is well again, and on. Says whether it ever was.
    async fn ends(&mut self) -> bool {
        let (repaired, calm) = (self.books.now(), Duration::from_secs(self.options.calm_seconds()));
        let rate = self.options.rate() as usize;
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = self.books.now();
            let last = self.books.last_failure(repaired).unwrap_or(repaired);
            let lately = self.books.sum(now.saturating_sub(calm), now);
            let busy = lately.ok >= rate * usize::try_from(self.options.calm_seconds()).unwrap() * 7 / 10;
            if now >= last + calm && busy {
                self.settle(repaired, Some(last.saturating_sub(repaired)));
                return true;
            }
            if now > repaired + RECOVERY + calm {
                self.settle(repaired, None);
                return false;
            }
        }
    }

    fn settle(&mut self, repaired: Duration, recovered: Option<Duration>) {
        let event = self.events.last_mut().unwrap();
        (event.repaired, event.recovered) = (repaired, recovered);
    }

    async fn verdict(mut self) -> bool {
        let end = self.books.now();
        if let Some(last) = self.events.last_mut() {
            last.seen = self.books.sum(last.at, end);
        }
        let mut is_well = true;
        println!(
            "\n{:<42} {:>6} {:>6} {:>6} {:>8} {:>6} {:>6}  recovered",
            "", "ok", "503", "lost", "refused", "again", "WRONG"
        );
        for event in &self.events {
            let well = event.is_well();
            is_well &= well;
            let Sum { ok, unavailable, lost, refused, forgotten, wrong } = event.seen;
            let recovered = match event.recovered {
                Some(after) => format!(
                    "{:.1} s after, down {:.1} s",
                    after.as_secs_f64(),
                    event.repaired.saturating_sub(event.at).as_secs_f64()
                ),
                None => "NEVER".to_owned(),
            };
            let name = event.name;
            let mark = if well { "" } else { "  <-- not allowed" };
            println!(
                "{name:<42} {ok:>6} {unavailable:>6} {lost:>6} {refused:>8} {forgotten:>6} {wrong:>6}  {recovered}{mark}"
            );
        }
        for (at, what) in self.books.wrongs().iter().take(20) {
            println!("\nWRONG after {:.2} s: {what}", at.as_secs_f64());
        }
        let held = self.shop.held();
        match self.shop.use_up().await {
            Ok(used) => println!("\nall {used} refresh tokens that were given out and not used still work"),
            Err(failure) => {
                println!("\none of {held} refresh tokens does not work: {failure:?}");
                is_well = false;
            }
        }
        println!("{} requests went to the other node", self.shop.balancer.moved.load(Ordering::Relaxed));
        println!("{}", if is_well { "all is well" } else { "NOT WELL" });
        is_well
    }
}

impl Event {
    fn is_well(&self) -> bool {
        let allowed = match self.allowed {
            Allowed::Nothing => self.seen.failures() == 0,
            // A login is one request at a time, but for those that race.
            Allowed::UnderWay(count) => self.seen.lost <= count && self.seen.failures() == self.seen.lost,
            Allowed::Outage => true,
        };
        allowed && self.seen.wrong == 0 && self.recovered.is_some_and(|after| after <= RECOVERY)
    }
}
