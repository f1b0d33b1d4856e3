//! What may be read from a replica. The list is short on purpose: whatever decides about a login, a session, a token or
//! a consent is not on it.

use super::error::Error;
use super::open::Store;
use crate::model::event::Event;
use crate::model::member::Membership;
use crate::model::{AccountId, EventId, MembershipId, ProgrammeId};

/// The records as they were a while ago: read from a replica where there is one, and from the primary where none
/// answers. Whoever acts on what is found here looks again.
#[derive(Clone, Debug)]
pub struct Lagging(pub(super) Store);

impl Lagging {
    /// As [`Store::events`]: none is missing before the latest there is.
    pub async fn events(
        &self,
        account: Option<AccountId>,
        after: Option<EventId>,
        limit: i64,
    ) -> Result<Vec<Event>, Error> {
        self.0.events(account, after, limit).await
    }

    /// As [`Store::memberships_of_programme`].
    pub async fn memberships_of_programme(
        &self,
        programme: &ProgrammeId,
        after: Option<MembershipId>,
        limit: i64,
    ) -> Result<Vec<Membership>, Error> {
        self.0.memberships_of_programme(programme, after, limit).await
    }
}
