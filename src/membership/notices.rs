//! Telling hosts which of their members are linked here, and which no longer are.

use super::error::Error;
use super::host::HostError;
use super::room::Membership;
use super::sync::Round;
use crate::model::ProgrammeId;
use crate::model::grant::Sector;
use crate::store::LinkNotice;

/// Notices sent in one go.
const BATCH: i64 = 100;

impl Membership {
    /// Delivers the notices the programme's host has not had yet, oldest first. They wait in the store, so that
    /// neither a restart nor an outage loses one; a host may get one twice and makes nothing of it.
    pub async fn send_notices(&self, programme: &ProgrammeId) -> Result<Round, Error> {
        let room = self.room();
        let mut round = Round::default();
        let Some(ready) = room.programme(programme) else { return Ok(round) };
        for notice in room.store.link_notices(programme, BATCH).await? {
            if self.is_outdated(programme, &notice).await? {
                room.store.link_notice_delivered(&notice).await?;
                continue;
            }
            let now = room.clock.now();
            let subject = room.store.subject(notice.account, &sector(programme), now).await?;
            let key = format!("{}-{}", notice.membership, if notice.linked { "link" } else { "unlink" });
            match ready.host.notify(&notice.member_ref, &subject.0, notice.linked, &key).await {
                // A member the host no longer knows has no link to keep.
                Ok(()) | Err(HostError::NotFound | HostError::Gone) => {
                    room.store.link_notice_delivered(&notice).await?;
                    round.done += 1;
                }
                Err(_) => {
                    round.interrupted = true;
                    return Ok(round);
                }
            }
        }
        Ok(round)
    }

    /// Whether the person has linked the number anew since it was unlinked: the host must not end up without it.
    async fn is_outdated(&self, programme: &ProgrammeId, notice: &LinkNotice) -> Result<bool, Error> {
        if notice.linked {
            return Ok(false);
        }
        let current = self.room().store.membership_by_ref(programme, &notice.member_ref).await?;
        Ok(current.is_some_and(|membership| membership.account == notice.account))
    }
}

/// The host knows people by identifiers of its own.
fn sector(programme: &ProgrammeId) -> Sector {
    Sector(format!("loyalty:{programme}"))
}
