//! Between the number and the proof: a number of the right form waits while its holder chooses how to prove it, and a
//! challenge that did not arrive is asked for again. The number itself never travels through the browser twice.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::link::{Begin, Begun, Holder, LINK};
use super::room::Membership;
use crate::cache::Slot;
use crate::model::{Locale, ProgrammeId, Secret};
use crate::policy::member_number::{InvalidNumber, MemberNumber};

/// Numbers that wait, by their transaction; ten minutes.
const KEPT: Slot<KeptNumber> = Slot::sealed("membership_number", 600);

#[derive(Debug, Serialize, Deserialize)]
struct KeptNumber {
    holder: Holder,
    programme: ProgrammeId,
    /// Canonical; checked again when it is read.
    number: String,
}

/// What became of a number that was typed.
#[derive(Debug)]
pub enum Kept {
    /// It has the right form, which says nothing about whether it exists.
    Waiting {
        /// What [`Membership::kept_number`] finds it by.
        transaction: Secret<String>,
        /// The canonical number.
        number: MemberNumber,
    },
    /// Mistyped.
    InvalidNumber(InvalidNumber),
    /// There is no such programme.
    UnknownProgramme,
}

impl Membership {
    /// Checks the form of a number, without asking the host, and keeps it.
    pub async fn keep_number(&self, holder: Holder, programme: &ProgrammeId, typed: &str) -> Result<Kept, Error> {
        let room = self.room();
        let Some(known) = room.programme(programme) else { return Ok(Kept::UnknownProgramme) };
        let number = match known.format.canonical(typed) {
            Ok(number) => number,
            Err(invalid) => return Ok(Kept::InvalidNumber(invalid)),
        };
        let kept = KeptNumber { holder, programme: programme.clone(), number: number.as_str().to_owned() };
        let transaction = room.random.token();
        room.cache.put(&KEPT, transaction.expose(), &kept).await?;
        Ok(Kept::Waiting { transaction, number })
    }

    /// The number kept for this holder and programme.
    pub async fn kept_number(
        &self,
        transaction: &str,
        holder: Holder,
        programme: &ProgrammeId,
    ) -> Result<Option<MemberNumber>, Error> {
        let room = self.room();
        let Some(kept) = room.cache.get(&KEPT, transaction).await? else { return Ok(None) };
        let known = room.programme(programme).filter(|_| kept.holder == holder && kept.programme == *programme);
        Ok(known.and_then(|known| known.format.canonical(&kept.number).ok()))
    }

    /// Starts the challenge of a link in progress anew, which counts as another try; `None` when there is no such link.
    pub async fn begin_again(
        &self,
        transaction: &str,
        holder: Holder,
        ip: Option<IpAddr>,
        locale: &Locale,
    ) -> Result<Option<Begun>, Error> {
        let Some((link, _)) = self.find_link(transaction, holder).await? else { return Ok(None) };
        let (programme, number, method) = (&link.programme, &link.number, link.method);
        let begun = self.begin(Begin { holder, programme, number, method, ip, locale }).await?;
        if matches!(begun, Begun::Started(_)) {
            self.room().cache.remove(&LINK, transaction).await?;
        }
        Ok(Some(begun))
    }
}
