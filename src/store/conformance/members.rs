use super::{Bench, NOW, kinds, membership, register};
use crate::model::Random;
use crate::model::account::Stage;
use crate::model::member::{Balance, MemberFacts, MembershipState, Proof, ProofLevel};
use crate::store::Linked;

pub(super) async fn link_and_unlink(store: Bench) {
    let id = register(&store).await;
    let new = membership(id, "0012345674");
    let Linked::Linked(linked) = store.link_member(&new, NOW).await.unwrap() else { panic!("not linked") };
    let read = store.membership(linked).await.unwrap().unwrap();
    assert_eq!((read.number.as_str(), read.member_ref.as_str()), ("0012345674", "ref-0012345674"));
    assert_eq!((&read.proof, read.state, &read.facts), (&new.proof, MembershipState::Active, &new.facts));
    assert_eq!(store.memberships(id).await.unwrap(), std::slice::from_ref(&read));
    assert_eq!(store.profile(id).await.unwrap().unwrap().memberships, std::slice::from_ref(&read));
    assert_eq!(store.membership_by_ref(&"skyway".into(), "ref-0012345674").await.unwrap().unwrap(), read);
    assert!(store.membership_by_ref(&"milenote".into(), "ref-0012345674").await.unwrap().is_none());
    assert_eq!(store.active_member(&"skyway".into(), "0012345674").await.unwrap(), Some((id, linked)));
    assert_eq!(store.active_member(&"skyway".into(), "12345674").await.unwrap(), None, "leading zeros count");
    assert_eq!(store.account(id).await.unwrap().unwrap().stage, Stage::Member);

    let Linked::Linked(second) = store.link_member(&membership(id, "2"), NOW + 1).await.unwrap() else { panic!() };
    let page = store.memberships_of_programme(&"skyway".into(), None, 1).await.unwrap();
    assert_eq!(page[0].id, linked);
    let page = store.memberships_of_programme(&"skyway".into(), Some(page[0].id), 10).await.unwrap();
    assert_eq!(page.iter().map(|it| it.id).collect::<Vec<_>>(), [second]);

    let stranger = register(&store).await;
    assert!(!store.unlink_member(stranger, linked, NOW).await.unwrap());
    assert!(store.unlink_member(id, linked, NOW).await.unwrap());
    assert!(!store.unlink_member(id, linked, NOW).await.unwrap());
    assert_eq!(store.account(id).await.unwrap().unwrap().stage, Stage::Member, "one is left");
    assert!(store.unlink_member(id, second, NOW).await.unwrap());
    assert_eq!(store.account(id).await.unwrap().unwrap().stage, Stage::Registered);
    assert_eq!(store.membership(linked).await.unwrap().unwrap().state, MembershipState::Closed);
    assert!(store.memberships(id).await.unwrap().is_empty());
    assert_eq!(
        kinds(&store, id).await[1..],
        [
            "membership.linked",
            "account.stage_changed",
            "membership.linked",
            "membership.unlinked",
            "membership.unlinked",
            "account.stage_changed"
        ]
    );
    assert!(matches!(store.link_member(&membership(stranger, "2"), NOW).await.unwrap(), Linked::Linked(_)));
}

pub(super) async fn numbers_are_taken(store: Bench) {
    let (mine, yours) = (register(&store).await, register(&store).await);
    let Linked::Linked(id) = store.link_member(&membership(mine, "1"), NOW).await.unwrap() else { panic!() };
    assert_eq!(store.link_member(&membership(yours, "1"), NOW).await.unwrap(), Linked::TakenBy(mine));
    let mut better = membership(mine, "1");
    better.proof = Proof { level: ProofLevel::Substantial, method: "otp".to_owned(), at: NOW + 1 };
    assert_eq!(store.link_member(&better, NOW + 1).await.unwrap(), Linked::AlreadyYours(id));
    let mut worse = membership(mine, "1");
    worse.proof.at = NOW + 2;
    assert_eq!(store.link_member(&worse, NOW + 2).await.unwrap(), Linked::AlreadyYours(id));
    assert_eq!(store.membership(id).await.unwrap().unwrap().proof, better.proof);
    let mut elsewhere = membership(yours, "1");
    elsewhere.programme = "milenote".into();
    assert!(matches!(store.link_member(&elsewhere, NOW).await.unwrap(), Linked::Linked(_)));
    assert_eq!(kinds(&store, mine).await[1..], ["membership.linked", "account.stage_changed"]);
    store.freeze_member(id, true, NOW).await.unwrap();
    assert_eq!(store.link_member(&membership(yours, "1"), NOW).await.unwrap(), Linked::TakenBy(mine));
}

pub(super) async fn facts_and_freezing(store: Bench) {
    let account = register(&store).await;
    let Linked::Linked(id) = store.link_member(&membership(account, "1"), NOW).await.unwrap() else { panic!() };
    let before = kinds(&store, account).await.len();
    let balances = vec![Balance { unit: "mile".to_owned(), amount: 18_250 }];
    let mut facts =
        MemberFacts { balances, as_of: Some(NOW + 5), ..store.membership(id).await.unwrap().unwrap().facts };
    assert!(store.put_member_facts(id, &facts, NOW + 5).await.unwrap());
    assert_eq!(kinds(&store, account).await.len(), before, "a balance is no event");
    facts.tier = Some("platinum".to_owned());
    assert!(store.put_member_facts(id, &facts, NOW + 5).await.unwrap());
    assert_eq!(store.membership(id).await.unwrap().unwrap().facts, facts);
    let stale = MemberFacts { tier: Some("silver".to_owned()), as_of: Some(NOW + 4), ..facts.clone() };
    assert!(!store.put_member_facts(id, &stale, NOW + 6).await.unwrap(), "an answer overtaken by a later one");
    assert_eq!(store.membership(id).await.unwrap().unwrap().facts, facts);
    assert!(!store.put_member_facts(Random::new().id(NOW), &facts, NOW).await.unwrap());
    let events = store.events(Some(account), None, 100).await.unwrap();
    assert_eq!(events.len(), before + 1);
    assert_eq!(events[before].data["changed"], serde_json::json!(["tier"]));

    assert!(store.freeze_member(id, true, NOW).await.unwrap());
    assert!(!store.freeze_member(id, true, NOW).await.unwrap());
    assert_eq!(store.membership(id).await.unwrap().unwrap().state, MembershipState::Frozen);
    assert!(store.freeze_member(id, false, NOW).await.unwrap());
    assert!(!store.freeze_member(Random::new().id(NOW), true, NOW).await.unwrap());
    assert_eq!(kinds(&store, account).await[before..], ["membership.changed"; 3]);
}

pub(super) async fn feeds(store: Bench) {
    let programme = "skyway".into();
    assert_eq!(store.feed_cursor(&programme).await.unwrap(), None);
    store.set_feed_cursor(&programme, "10", NOW).await.unwrap();
    store.set_feed_cursor(&programme, "11", NOW + 1).await.unwrap();
    assert_eq!(store.feed_cursor(&programme).await.unwrap().as_deref(), Some("11"));
    assert_eq!(store.feed_cursor(&"milenote".into()).await.unwrap(), None);
}
