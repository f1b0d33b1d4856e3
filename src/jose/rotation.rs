//! When keys are made, set aside and dropped: arithmetic only, the store does it.

use super::Alg;
use crate::model::UnixTime;
use crate::model::key::StoredKey;

/// The pace of rotation, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// How long a key signs.
    pub lifetime: i64,
    /// How long a key is published before it signs; at least the time relying parties cache the JWKS.
    pub publish_ahead: i64,
    /// How long a key stays published after it last signed; at least the longest life of a token.
    pub retain_after: i64,
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make a key that signs from `active_at` on.
    Create {
        /// For this algorithm.
        alg: Alg,
        /// Its first moment as a signer.
        active_at: UnixTime,
    },
    /// A newer key signs, or the algorithm is no longer wanted.
    Retire {
        /// Which key.
        kid: String,
        /// Since when.
        retired_at: UnixTime,
        /// When it leaves the JWKS.
        remove_at: UnixTime,
    },
    /// Forget the key.
    Remove {
        /// Which key.
        kid: String,
    },
}

/// The steps due at `now`. Doing them and asking again gives none. An emergency rotation is a key created as active
/// at once: the next call retires its predecessor.
pub fn schedule(keys: &[StoredKey], algs: &[Alg], now: UnixTime, rotation: &Rotation) -> Vec<Action> {
    let due = keys.iter().filter(|key| key.remove_at.is_some_and(|remove_at| remove_at <= now));
    let mut actions: Vec<_> = due.map(|key| Action::Remove { kid: key.kid.clone() }).collect();
    for key in keys.iter().filter(|key| key.retired_at.is_none()) {
        let wanted = algs.iter().any(|alg| alg.as_str() == key.alg);
        let successor = newest_active(keys, &key.alg, now).is_some_and(|newest| newest.kid != key.kid);
        if !wanted || (key.active_at <= now && successor) {
            let remove_at = now + rotation.retain_after;
            actions.push(Action::Retire { kid: key.kid.clone(), retired_at: now, remove_at });
        }
    }
    for alg in algs {
        let upcoming = live(keys, alg.as_str()).any(|key| key.active_at > now);
        match newest_active(keys, alg.as_str(), now) {
            None => actions.push(Action::Create { alg: *alg, active_at: now }),
            Some(current) if !upcoming && now + rotation.publish_ahead >= current.active_at + rotation.lifetime => {
                actions.push(Action::Create { alg: *alg, active_at: now + rotation.publish_ahead });
            }
            Some(_) => {}
        }
    }
    actions
}

fn live<'a>(keys: &'a [StoredKey], alg: &'a str) -> impl Iterator<Item = &'a StoredKey> {
    keys.iter().filter(move |key| key.alg == alg && key.retired_at.is_none())
}

fn newest_active<'a>(keys: &'a [StoredKey], alg: &'a str, now: UnixTime) -> Option<&'a StoredKey> {
    let active = live(keys, alg).filter(|key| key.active_at <= now);
    active.max_by(|a, b| (a.active_at, &a.kid).cmp(&(b.active_at, &b.kid)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Secret;

    const PACE: Rotation = Rotation { lifetime: 1000, publish_ahead: 100, retain_after: 50 };

    fn apply(keys: &mut Vec<StoredKey>, actions: &[Action], now: UnixTime, serial: &mut u32) {
        for action in actions {
            match action {
                Action::Create { alg, active_at } => {
                    *serial += 1;
                    keys.push(StoredKey {
                        kid: format!("k{serial}"),
                        alg: alg.to_string(),
                        pkcs8: Secret::new(Vec::new()),
                        created_at: now,
                        active_at: *active_at,
                        retired_at: None,
                        remove_at: None,
                    });
                }
                Action::Retire { kid, retired_at, remove_at } => {
                    let key = keys.iter_mut().find(|key| key.kid == *kid).unwrap();
                    (key.retired_at, key.remove_at) = (Some(*retired_at), Some(*remove_at));
                }
                Action::Remove { kid } => keys.retain(|key| key.kid != *kid),
            }
        }
    }

    #[test]
    fn one_rotation_step_by_step() {
        let (mut keys, mut serial) = (Vec::new(), 0);
        let mut step = |now: i64| {
            let actions = schedule(&keys, &[Alg::ES256], UnixTime(now), &PACE);
            apply(&mut keys, &actions, UnixTime(now), &mut serial);
            actions
        };
        assert_eq!(step(0), [Action::Create { alg: Alg::ES256, active_at: UnixTime(0) }]);
        assert_eq!(step(899), []);
        assert_eq!(step(900), [Action::Create { alg: Alg::ES256, active_at: UnixTime(1000) }]);
        assert_eq!(step(999), []);
        let retire = Action::Retire { kid: "k1".into(), retired_at: UnixTime(1000), remove_at: UnixTime(1050) };
        assert_eq!(step(1000), [retire]);
        assert_eq!(step(1049), []);
        assert_eq!(step(1050), [Action::Remove { kid: "k1".into() }]);
    }

    #[test]
    fn an_algorithm_no_longer_wanted_is_retired() {
        let (mut keys, mut serial) = (Vec::new(), 0);
        let both = schedule(&keys, &[Alg::RS256, Alg::ES256], UnixTime(0), &PACE);
        apply(&mut keys, &both, UnixTime(0), &mut serial);
        let retire = Action::Retire { kid: "k2".into(), retired_at: UnixTime(5), remove_at: UnixTime(55) };
        assert_eq!(schedule(&keys, &[Alg::RS256], UnixTime(5), &PACE), [retire]);
    }

    proptest! {
        #[test]
        fn there_is_always_a_signer_and_every_token_can_be_verified(
            steps in prop::collection::vec(1_i64..400, 1..80),
            emergency in prop::option::of(0_usize..80),
        ) {
            let (mut keys, mut serial, mut now) = (Vec::new(), 0, UnixTime(0));
            // (kid, until when a token signed by it may live)
            let mut issued: Vec<(String, UnixTime)> = Vec::new();
            for (round, step) in steps.into_iter().enumerate() {
                let actions = schedule(&keys, &[Alg::EdDSA], now, &PACE);
                apply(&mut keys, &actions, now, &mut serial);
                prop_assert_eq!(schedule(&keys, &[Alg::EdDSA], now, &PACE), vec![]);
                if emergency == Some(round) {
                    apply(&mut keys, &[Action::Create { alg: Alg::EdDSA, active_at: now }], now, &mut serial);
                }
                let signer = newest_active(&keys, "EdDSA", now).unwrap();
                let planned = emergency.is_none() && signer.kid != "k1";
                prop_assert!(!planned || signer.active_at.since(signer.created_at) >= PACE.publish_ahead);
                issued.push((signer.kid.clone(), now + PACE.retain_after));
                for (kid, until) in &issued {
                    let published = keys.iter().find(|key| key.kid == *kid)
                        .is_some_and(|key| key.remove_at.is_none_or(|remove_at| now < remove_at));
                    prop_assert!(published || now >= *until, "{} at {}", kid, now);
                }
                prop_assert!(keys.len() <= 4);
                now = now + step;
            }
        }
    }
}
