//! What has to happen next: a pure function of the request, the session, what this transaction recorded, and the facts.

use super::request::Request;
use crate::model::UnixTime;
use crate::model::session::Authentication;
use crate::protocol::ErrorCode;

/// What this transaction has a recorded success of. Nothing else counts: a step is done when it was done here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The person signed in within this transaction.
    pub signed_in: bool,
    /// The person chose the account to go on with.
    pub account_selected: bool,
    /// The person answered the consent page.
    pub consent_answered: bool,
}

/// What is known about the signed-in person with regard to this request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The request names another person (`id_token_hint`, `claims.id_token.sub`).
    pub other_person: bool,
    /// A document in force is not accepted yet.
    pub terms_missing: bool,
    /// A claim needs an answer the person has not given.
    pub consent_missing: bool,
    /// An essential `acr` is asked that this session does not reach.
    pub acr_unmet: bool,
}

/// What has to happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nobody is signed in, or not the person meant.
    Login,
    /// The person must prove themselves anew.
    Reauthenticate,
    /// The person must say which account to use.
    SelectAccount,
    /// Documents await acceptance.
    Terms,
    /// Claims await an answer.
    Consent,
    /// Everything is settled.
    Issue,
    /// Nothing will settle it.
    Refuse(ErrorCode, &'static str),
}

/// Decides what has to happen next [OIDC Core §3.1.2.3, §3.1.2.6].
pub fn decide(
    request: &Request,
    session: Option<&Authentication>,
    progress: Progress,
    facts: Facts,
    now: UnixTime,
) -> Decision {
    let decision = interactive(request, session, progress, facts, now);
    if request.prompt.none { silent(decision) } else { decision }
}

fn interactive(
    request: &Request,
    session: Option<&Authentication>,
    progress: Progress,
    facts: Facts,
    now: UnixTime,
) -> Decision {
    let Some(authentication) = session else { return Decision::Login };
    if facts.other_person {
        // Signing in again would not make this person the one the client asked for.
        return if progress.signed_in {
            Decision::Refuse(ErrorCode::LoginRequired, "another person is signed in")
        } else {
            Decision::Login
        };
    }
    if !progress.signed_in {
        if request.prompt.login {
            return Decision::Reauthenticate;
        }
        // Zero means now, even for who signed in within this very second.
        let too_old = |max_age| max_age == 0 || now.since(authentication.time) > max_age;
        if request.max_age.is_some_and(too_old) {
            return Decision::Reauthenticate;
        }
        if request.prompt.select_account && !progress.account_selected {
            return Decision::SelectAccount;
        }
    }
    if facts.acr_unmet {
        return Decision::Refuse(ErrorCode::UnmetAuthenticationRequirements, "the requested acr is not available");
    }
    if facts.terms_missing {
        return Decision::Terms;
    }
    if facts.consent_missing || (request.prompt.consent && !progress.consent_answered) {
        return Decision::Consent;
    }
    Decision::Issue
}

const fn silent(decision: Decision) -> Decision {
    match decision {
        Decision::Login | Decision::Reauthenticate => {
            Decision::Refuse(ErrorCode::LoginRequired, "the person has to sign in")
        }
        Decision::SelectAccount => {
            Decision::Refuse(ErrorCode::AccountSelectionRequired, "the person has to choose an account")
        }
        Decision::Consent => Decision::Refuse(ErrorCode::ConsentRequired, "the person has to give consent"),
        Decision::Terms => Decision::Refuse(ErrorCode::InteractionRequired, "the person has to accept the terms"),
        Decision::Issue | Decision::Refuse(..) => decision,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::authorize::Target;
    use crate::provider::bench::{Bench, NOW, bench};

    async fn request(more: &[(&str, &str)]) -> Request {
        let bench = bench().await;
        bench.client(|_| {}).await;
        let outcome = bench.provider.authorize(&Bench::request(more), None, "browser").await.unwrap();
        let crate::provider::authorize::Outcome::Interact(_, txn) = outcome else { panic!("{outcome:?}") };
        match bench.provider.transaction(&txn, "browser").await.unwrap().unwrap().target {
            Target::Client(request) => *request,
            Target::Home { .. } => panic!("not a client's"),
        }
    }

    fn signed_in(ago: i64) -> Authentication {
        Authentication { time: NOW - ago, amr: Vec::new(), acr: "1".to_owned(), connection: None }
    }

    #[tokio::test]
    async fn max_age_counts_seconds_and_zero_means_now() {
        let here = Progress { signed_in: true, ..Progress::default() };
        for (max_age, ago, progress, expected) in [
            ("10", 10, Progress::default(), Decision::Issue),
            ("10", 11, Progress::default(), Decision::Reauthenticate),
            ("10", 11, here, Decision::Issue),
            ("0", 0, Progress::default(), Decision::Reauthenticate),
            ("0", 0, here, Decision::Issue),
            ("0", -5, Progress::default(), Decision::Reauthenticate),
        ] {
            let request = request(&[("max_age", max_age)]).await;
            let decided = decide(&request, Some(&signed_in(ago)), progress, Facts::default(), NOW);
            assert_eq!(decided, expected, "{max_age} {ago}");
        }
    }

    #[tokio::test]
    async fn prompts_are_steps_of_this_transaction() {
        let nothing = Progress::default();
        for (prompt, progress, facts, expected) in [
            ("login", nothing, Facts::default(), Decision::Reauthenticate),
            ("login", Progress { signed_in: true, ..nothing }, Facts::default(), Decision::Issue),
            ("login select_account", Progress { signed_in: true, ..nothing }, Facts::default(), Decision::Issue),
            ("select_account", nothing, Facts::default(), Decision::SelectAccount),
            ("select_account", Progress { account_selected: true, ..nothing }, Facts::default(), Decision::Issue),
            ("consent", nothing, Facts::default(), Decision::Consent),
            ("consent", Progress { consent_answered: true, ..nothing }, Facts::default(), Decision::Issue),
            ("consent", nothing, Facts { terms_missing: true, ..Facts::default() }, Decision::Terms),
            ("login", nothing, Facts { other_person: true, ..Facts::default() }, Decision::Login),
        ] {
            let request = request(&[("prompt", prompt)]).await;
            assert_eq!(decide(&request, Some(&signed_in(1)), progress, facts, NOW), expected, "{prompt}");
        }
    }
}
