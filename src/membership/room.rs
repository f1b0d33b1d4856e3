//! The room itself: the programmes, and what they share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use super::error::{Error, InvalidSettings};
use super::host::Host;
use super::settings::{LimitSettings, MembershipSettings, ProgrammeSettings};
use crate::cache::Cache;
use crate::model::{Clock, ProgrammeId, Random};
use crate::outbound::Outbound;
use crate::policy::member_number::NumberFormat;
use crate::store::Store;

/// Loyalty programmes and the links to them. Clones share breakers and limits.
#[derive(Clone)]
pub struct Membership(Arc<Inner>);

pub(super) struct Inner {
    pub order: Vec<ProgrammeId>,
    pub programmes: BTreeMap<ProgrammeId, Programme>,
    pub limits: LimitSettings,
    pub store: Store,
    pub cache: Cache,
    pub random: Random,
    pub clock: Clock,
    /// What the node that calls the hosts for all has found.
    pub heard: RwLock<Option<BTreeSet<ProgrammeId>>>,
}

/// One programme, ready.
pub(super) struct Programme {
    pub settings: ProgrammeSettings,
    pub format: NumberFormat,
    pub host: Host,
}

impl std::fmt::Debug for Membership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Membership").field("programmes", &self.0.order).finish_non_exhaustive()
    }
}

impl Membership {
    /// The room under these settings; reads the hosts' credentials from their files.
    pub fn new(
        settings: MembershipSettings,
        store: Store,
        cache: Cache,
        outbound: &Outbound,
        random: Random,
        clock: Clock,
    ) -> Result<Self, InvalidSettings> {
        let mut order = Vec::new();
        let mut programmes = BTreeMap::new();
        for settings in settings.programme {
            let id = settings.id.clone();
            let format = settings.checked()?;
            let host = Host::new(&settings, outbound.clone(), random.clone(), clock.clone())?;
            if programmes.insert(id.clone(), Programme { settings, format, host }).is_some() {
                return Err(InvalidSettings::Twice(id));
            }
            order.push(id);
        }
        let (limits, heard) = (settings.limits, RwLock::default());
        Ok(Self(Arc::new(Inner { order, programmes, limits, store, cache, random, clock, heard })))
    }

    /// The programmes in the order they are offered.
    pub fn programmes(&self) -> impl Iterator<Item = &ProgrammeSettings> {
        self.0.order.iter().filter_map(|id| self.programme(id))
    }

    /// A programme by its code.
    pub fn programme(&self, id: &ProgrammeId) -> Option<&ProgrammeSettings> {
        self.0.programme(id).map(|programme| &programme.settings)
    }

    /// The programmes whose host did not answer the latest call; what they said last is stale.
    pub fn unreachable(&self) -> BTreeSet<ProgrammeId> {
        // A poisoned lock still holds a whole set: it is only ever replaced by assignment.
        let heard = self.0.heard.read().unwrap_or_else(PoisonError::into_inner).clone();
        heard.unwrap_or_else(|| self.found_unreachable())
    }

    /// Takes another node's word for which hosts do not answer, as long as it calls them for all; `None` when this node
    /// has to find out itself.
    pub fn hear(&self, unreachable: Option<BTreeSet<ProgrammeId>>) {
        *self.0.heard.write().unwrap_or_else(PoisonError::into_inner) = unreachable;
    }

    /// The programmes whose host did not answer the latest call of this process.
    pub fn found_unreachable(&self) -> BTreeSet<ProgrammeId> {
        let unreachable = self.0.programmes.iter().filter(|(_, programme)| !programme.host.is_reachable());
        unreachable.map(|(id, _)| id.clone()).collect()
    }

    /// Compares what is configured with what each host offers; one line per difference, for the operator.
    pub async fn compare_capabilities(&self) -> Result<Vec<String>, Error> {
        let mut differences = Vec::new();
        for programme in self.0.programmes.values() {
            programme.compare(&mut differences).await;
        }
        Ok(differences)
    }

    pub(super) fn room(&self) -> &Inner {
        &self.0
    }
}

impl Inner {
    pub(super) fn programme(&self, id: &ProgrammeId) -> Option<&Programme> {
        self.programmes.get(id)
    }
}

impl Programme {
    async fn compare(&self, differences: &mut Vec<String>) {
        let id = &self.settings.id;
        let Ok(capabilities) = self.host.capabilities().await else {
            differences.push(format!("{id}: the host does not tell its capabilities"));
            return;
        };
        let Some(offered) = capabilities.programmes.iter().find(|offered| offered.code == id.as_str()) else {
            differences.push(format!("{id}: the host has no such programme"));
            return;
        };
        if !capabilities.changes {
            differences.push(format!("{id}: the host has no feed of changes"));
        }
        for method in &self.settings.proofs {
            if !offered.proofs.iter().any(|proof| proof == method.as_str()) {
                differences.push(format!("{id}: the host does not offer the proof {method}"));
            }
        }
        for tier in &offered.tiers {
            if self.settings.tier(tier).is_none() {
                differences.push(format!("{id}: the tier {tier:?} is not configured"));
            }
        }
    }
}
