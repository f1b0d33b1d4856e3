//! What a start prints.

use std::fmt::Write;
use std::path::Path;

use super::addresses::Addresses;
use super::loyalty_host::{KEN, LEA, MINA};
use super::simulators::{Provider, Simulators};

/// The addresses of everything, who can sign in where, and how to stop.
pub(super) fn text(addresses: Addresses, simulators: &Simulators, dir: &Path) -> String {
    let mut text = format!("\n  SkyWay is on stage: open  {}\n\n", addresses.stage());
    let places = [
        ("OpenID Provider", addresses.issuer()),
        ("SkyWay Shop", addresses.origin("shop")),
        ("SkyWay Go (mobile)", addresses.origin("go")),
        ("Partner hotel", addresses.origin("hotel")),
        ("Mails and messages", addresses.origin("mail")),
        ("Loyalty host", addresses.origin("loyalty")),
    ];
    let providers = Provider::ALL.map(|provider| (provider.as_str(), addresses.origin(provider.as_str())));
    for (name, url) in places.iter().map(|(name, url)| (*name, url)).chain(providers.iter().map(|(n, u)| (*n, u))) {
        let _ = writeln!(text, "  {name:<20} {url}");
    }
    text.push_str("\n  Who can sign in where (choose a person, there are no passwords):\n");
    for provider in Provider::ALL {
        let people = simulators.people(provider);
        let names: Vec<_> = people.iter().map(|person| format!("{} ({})", person.id, person.name)).collect();
        let _ = writeln!(text, "  {:<20} {}", provider.as_str(), names.join(", "));
    }
    let _ = writeln!(text, "\n  SkyWay numbers: Mina {MINA}, Ken {KEN}, Léa {LEA}; codes arrive in the mailbox.");
    let _ = writeln!(text, "  State is kept in {}; --reset forgets it. Ctrl-C stops everything.", dir.display());
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::demo::simulators::{SimulatorKeys, SimulatorSettings};
    use crate::model::{Clock, Random};

    #[test]
    fn every_place_and_person_is_named() {
        let simulators = Simulators::new(SimulatorSettings {
            clients: Vec::new(),
            base_url: Arc::new(|_| String::new()),
            clock: Clock::system(),
            random: Random::new(),
            keys: SimulatorKeys::default(),
        });
        let text = text(Addresses::new(4711), &simulators, Path::new("demo-data"));
        for expected in
            ["http://localhost:4711/demo", "http://facebook.localhost:4711", "mina (김민지)", "ken", MINA, "--reset"]
        {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
    }
}
