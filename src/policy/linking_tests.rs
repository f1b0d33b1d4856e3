use proptest::prelude::*;
use uuid::Uuid;

use super::*;

type Case = (&'static str, Option<&'static str>, EmailTrust, Vec<LocalOwner>, LinkingVerdict);

const MAILBOX: Option<&str> = Some("mina@example.com");

fn id(number: u128) -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(number))
}

fn upstream(email: Option<&'static str>, trust: EmailTrust) -> Upstream<'static> {
    Upstream { known: None, email, trust }
}

fn registered(number: u128) -> LocalOwner {
    LocalOwner {
        account: id(number),
        status: Status::Active,
        stage: Stage::Registered,
        verified: true,
        has_credential: true,
        has_membership: false,
        has_mfa: false,
    }
}

fn lite(number: u128) -> LocalOwner {
    LocalOwner { stage: Stage::Lite, has_credential: false, ..registered(number) }
}

/// An account somebody made with an address they never proved.
fn planted(number: u128) -> LocalOwner {
    LocalOwner { stage: Stage::LiteUnverified, verified: false, ..registered(number) }
}

fn offer(number: u128) -> LinkingVerdict {
    LinkingVerdict::OfferLink { candidates: vec![id(number)], proof: ProofNeeded::ExistingAccount }
}

fn new(contact: NewContact, void: &[u128]) -> LinkingVerdict {
    LinkingVerdict::New { contact, void: void.iter().copied().map(id).collect() }
}

#[test]
fn the_table_of_first_logins() {
    use EmailTrust::{Authoritative, Relay, Unverified, Verified};
    let family = || LinkingVerdict::OfferLink { candidates: vec![id(1), id(2)], proof: ProofNeeded::MailboxThenChoice };
    let ask = || LinkingVerdict::AskNewOrExisting;
    let (person, other) = (registered(1), registered(2));
    let suspended = LocalOwner { status: Status::Suspended, ..registered(1) };
    let erased = LocalOwner { status: Status::Erased, ..registered(1) };
    let merged = LocalOwner { status: Status::Merged, ..registered(1) };
    let cases: Vec<Case> = vec![
        ("one owner, authoritative", MAILBOX, Authoritative, vec![person], offer(1)),
        ("one owner, merely verified", MAILBOX, Verified, vec![person], offer(1)),
        ("one lite owner", MAILBOX, Authoritative, vec![lite(1)], offer(1)),
        ("no address", None, Authoritative, vec![], ask()),
        ("empty address", Some(""), Authoritative, vec![person], ask()),
        ("unverified address", MAILBOX, Unverified, vec![person], ask()),
        ("relay address", MAILBOX, Relay, vec![person], ask()),
        ("unverified address nobody has", MAILBOX, Unverified, vec![], ask()),
        ("a family's mailbox", MAILBOX, Authoritative, vec![person, other], family()),
        ("a family's mailbox, merely verified", MAILBOX, Verified, vec![person, other], family()),
        ("nobody, authoritative", MAILBOX, Authoritative, vec![], new(NewContact::Verified, &[])),
        ("nobody, merely verified", MAILBOX, Verified, vec![], new(NewContact::Unverified, &[])),
        ("only a claim", MAILBOX, Authoritative, vec![planted(7)], new(NewContact::Verified, &[7])),
        ("only a claim, merely verified", MAILBOX, Verified, vec![planted(7)], new(NewContact::Unverified, &[])),
        ("an owner and a claim", MAILBOX, Authoritative, vec![planted(7), person], offer(1)),
        ("a suspended owner is not walked around", MAILBOX, Authoritative, vec![suspended], offer(1)),
        ("an erased owner is nobody", MAILBOX, Authoritative, vec![erased], new(NewContact::Verified, &[])),
        ("a merged owner is nobody", MAILBOX, Authoritative, vec![merged], new(NewContact::Verified, &[])),
    ];
    for (name, email, trust, owners, verdict) in cases {
        assert_eq!(first_login(&upstream(email, trust), &owners, LinkingPolicy::default()), verdict, "{name}");
    }
}

#[test]
fn a_known_identity_signs_in_whatever_its_address_says() {
    for trust in [EmailTrust::Authoritative, EmailTrust::Unverified, EmailTrust::Relay] {
        let login = Upstream { known: Some((id(9), Status::Active)), email: MAILBOX, trust };
        assert_eq!(first_login(&login, &[registered(1)], LinkingPolicy::default()), LinkingVerdict::SignIn(id(9)));
    }
    for status in [Status::Suspended, Status::Merged, Status::Erased] {
        let login = Upstream { known: Some((id(9), status)), email: None, trust: EmailTrust::Unverified };
        assert_eq!(first_login(&login, &[], LinkingPolicy::default()), LinkingVerdict::Refuse);
    }
}

#[test]
fn only_a_lite_account_with_nothing_to_lose_is_ever_joined_without_a_proof() {
    let policy = LinkingPolicy { auto_link_lite: true };
    let google = upstream(MAILBOX, EmailTrust::Authoritative);
    assert_eq!(first_login(&google, &[lite(1)], policy), LinkingVerdict::AutoLink(id(1)));
    for owner in [
        LocalOwner { has_credential: true, ..lite(1) },
        LocalOwner { has_membership: true, ..lite(1) },
        LocalOwner { has_mfa: true, ..lite(1) },
        LocalOwner { stage: Stage::Registered, ..lite(1) },
        LocalOwner { stage: Stage::Member, ..lite(1) },
        LocalOwner { status: Status::Suspended, ..lite(1) },
    ] {
        assert_eq!(first_login(&google, &[owner], policy), offer(1), "{owner:?}");
    }
    assert_eq!(first_login(&upstream(MAILBOX, EmailTrust::Verified), &[lite(1)], policy), offer(1));
    let unproven = LocalOwner { verified: false, ..lite(1) };
    assert_eq!(first_login(&google, &[unproven], policy), new(NewContact::Verified, &[1]));
}

mod pre_hijacking {
    use super::*;

    #[test]
    fn classic_federated_merge() {
        let attacker = planted(7);
        let verdict = first_login(&upstream(MAILBOX, EmailTrust::Authoritative), &[attacker], AUTO);
        assert_eq!(verdict, new(NewContact::Verified, &[7]));
        assert_eq!(voided_by_proof(&attacker), Voided::Everything);
    }

    #[test]
    fn unexpired_session() {
        // The attacker keeps a session of the account that claimed the victim's address; the victim's proof makes a
        // new account and the old one loses its sessions with everything else.
        let attacker = LocalOwner { has_credential: false, ..planted(7) };
        let LinkingVerdict::New { void, .. } =
            first_login(&upstream(MAILBOX, EmailTrust::Authoritative), &[attacker], AUTO)
        else {
            panic!("joined the attacker's account")
        };
        assert_eq!(void, [attacker.account]);
        assert_eq!(voided_by_proof(&attacker), Voided::Everything);
    }

    #[test]
    fn trojan_identifier() {
        // The attacker links their own social identity to an account that claims the victim's address. The victim's
        // proof by code voids that link, so the identity is a stranger again and matches nobody.
        assert_eq!(voided_by_proof(&planted(7)), Voided::Everything);
        let stranger = upstream(Some("mal@evil.example"), EmailTrust::Authoritative);
        assert_eq!(first_login(&stranger, &[], AUTO), new(NewContact::Verified, &[]));
        let nameless = upstream(None, EmailTrust::Unverified);
        assert_eq!(first_login(&nameless, &[lite(1)], AUTO), LinkingVerdict::AskNewOrExisting);
    }

    #[test]
    fn unexpired_email_change() {
        // A real account of the attacker's has a change to the victim's address pending: only the claim goes.
        let attacker = LocalOwner { verified: false, ..registered(7) };
        let verdict = first_login(&upstream(MAILBOX, EmailTrust::Authoritative), &[attacker], AUTO);
        assert_eq!(verdict, new(NewContact::Verified, &[7]));
        assert_eq!(voided_by_proof(&attacker), Voided::Claim);
    }

    #[test]
    fn non_verifying_provider() {
        // The attacker's provider repeats whatever address they typed.
        let victim = lite(1);
        for owners in [vec![], vec![victim]] {
            let verdict = first_login(&upstream(MAILBOX, EmailTrust::Unverified), &owners, AUTO);
            assert_eq!(verdict, LinkingVerdict::AskNewOrExisting);
        }
        // Even calling it verified neither joins the victim's account nor makes one that waits for the victim.
        let verdict = first_login(&upstream(MAILBOX, EmailTrust::Verified), &[victim], AUTO);
        assert_eq!(verdict, offer(1));
        let verdict = first_login(&upstream(MAILBOX, EmailTrust::Verified), &[], AUTO);
        assert_eq!(verdict, new(NewContact::Unverified, &[]));
    }

    const AUTO: LinkingPolicy = LinkingPolicy { auto_link_lite: true };
}

#[test]
fn a_link_proof_covers_one_link_for_ten_minutes() {
    let target = LinkTarget {
        transaction: "t".into(),
        browser: "b".into(),
        account: id(1),
        connection: "kakao".into(),
        issuer: "https://kauth.kakao.com".into(),
        subject: "42".into(),
    };
    let proof = LinkProof { bound_to: target.clone(), proven_at: UnixTime(1000) };
    assert!(proof.covers(&target, UnixTime(1000)));
    assert!(proof.covers(&target, UnixTime(1600)));
    assert!(!proof.covers(&target, UnixTime(1601)));
    assert!(!proof.covers(&target, UnixTime(999)));
    for other in [
        LinkTarget { transaction: "u".into(), ..target.clone() },
        LinkTarget { browser: "c".into(), ..target.clone() },
        LinkTarget { account: id(2), ..target.clone() },
        LinkTarget { connection: "naver".into(), ..target.clone() },
        LinkTarget { issuer: "https://evil.example".into(), ..target.clone() },
        LinkTarget { subject: "43".into(), ..target.clone() },
    ] {
        assert!(!proof.covers(&other, UnixTime(1000)), "{other:?}");
    }
}

#[test]
fn the_last_way_in_stays() {
    let ways = |identities, credentials, verified_contacts| WaysIn { identities, credentials, verified_contacts };
    assert!(!ways(0, 0, 0).may_lose_one());
    assert!(!ways(1, 0, 0).may_lose_one());
    assert!(!ways(0, 0, 1).may_lose_one());
    assert!(ways(1, 0, 1).may_lose_one());
    assert!(ways(2, 0, 0).may_lose_one());
}

#[test]
fn a_sign_in_is_fresh_for_five_minutes() {
    assert!(is_fresh(UnixTime(0), UnixTime(300)));
    assert!(!is_fresh(UnixTime(0), UnixTime(301)));
    assert!(!is_fresh(UnixTime(1), UnixTime(0)));
}

fn any_owner() -> impl Strategy<Value = LocalOwner> {
    let status = prop_oneof![Just(Status::Active), Just(Status::Suspended), Just(Status::Merged), Just(Status::Erased)];
    let stage =
        prop_oneof![Just(Stage::LiteUnverified), Just(Stage::Lite), Just(Stage::Registered), Just(Stage::Member)];
    (1..5_u128, status, stage, any::<[bool; 4]>()).prop_map(|(number, status, stage, flags)| LocalOwner {
        account: id(number),
        status,
        stage,
        verified: flags[0],
        has_credential: flags[1],
        has_membership: flags[2],
        has_mfa: flags[3],
    })
}

proptest! {
    #[test]
    fn an_unproven_account_is_never_offered_nor_joined(
        owners in proptest::collection::vec(any_owner(), 0..4),
        trust in prop_oneof![Just(EmailTrust::Authoritative), Just(EmailTrust::Verified), Just(EmailTrust::Unverified),
            Just(EmailTrust::Relay)],
        auto_link_lite: bool,
    ) {
        let verdict = first_login(&upstream(MAILBOX, trust), &owners, LinkingPolicy { auto_link_lite });
        let proven = |account: &AccountId| owners.iter().any(|owner| owner.account == *account && owner.verified);
        match verdict {
            LinkingVerdict::AutoLink(account) => {
                prop_assert!(proven(&account) && auto_link_lite && trust == EmailTrust::Authoritative);
            }
            LinkingVerdict::OfferLink { candidates, .. } => {
                prop_assert!(!candidates.is_empty() && candidates.iter().all(proven));
            }
            LinkingVerdict::SignIn(_) | LinkingVerdict::Refuse => prop_assert!(false, "nothing was known"),
            LinkingVerdict::New { .. } | LinkingVerdict::AskNewOrExisting => {}
        }
    }
}
