use serde_json::json;

use super::{Bench, NOW, attribute, email, family, kakao, kinds, membership, nobody, refresh, register, session};
use crate::model::account::{Stage, Status};
use crate::model::consent::Acceptance;
use crate::model::grant::Sector;
use crate::model::{Locale, Secret};
use crate::store::{Error, NewAccount};

pub(super) async fn register_and_read(store: Bench) {
    let new = NewAccount {
        stage: Stage::Lite,
        contact: Some(email("mina@example.com", true)),
        identity: Some(kakao("1")),
        password_hash: Some(Secret::from("$argon2id$x")),
        attributes: vec![attribute("name", json!("Mina")), attribute("birthdate", json!("1990-02-28"))],
        acceptances: vec![acceptance("terms", 1)],
        ..nobody()
    };
    let id = store.register_account(new, NOW).await.unwrap();
    let profile = store.profile(id).await.unwrap().unwrap();
    assert_eq!(profile.account, store.account(id).await.unwrap().unwrap());
    assert_eq!(profile.account.stage, Stage::Lite);
    assert_eq!((profile.account.status, profile.account.created_at), (Status::Active, NOW));
    assert_eq!(profile.attributes[1].value, json!("Mina"));
    assert_eq!(profile.contacts[0].value, "mina@example.com");
    assert_eq!(profile.contacts[0].verified_at, Some(NOW));
    assert_eq!(store.password_hash(id).await.unwrap().unwrap().expose(), "$argon2id$x");
    assert_eq!(store.acceptances(id).await.unwrap(), [acceptance("terms", 1)]);
    assert_eq!(store.identity(&kakao("1").key).await.unwrap().unwrap().account, id);
    assert_eq!(kinds(&store, id).await, ["account.created", "identity.linked"]);
    store.set_locale(id, &"ko".parse::<Locale>().unwrap(), "Europe/Paris", NOW + 1).await.unwrap();
    let account = store.account(id).await.unwrap().unwrap();
    assert_eq!((account.locale.as_str(), account.zoneinfo.as_str()), ("ko", "Europe/Paris"));
    let unknown = crate::model::Random::new().id(NOW);
    assert!(store.account(unknown).await.unwrap().is_none());
    assert!(store.profile(unknown).await.unwrap().is_none());
}

pub(super) async fn one_identity_one_account(store: Bench) {
    let new = NewAccount { identity: Some(kakao("1")), ..nobody() };
    store.register_account(new.clone(), NOW).await.unwrap();
    let before = store.events(None, None, 100).await.unwrap().len();
    assert!(matches!(store.register_account(new, NOW).await, Err(Error::Conflict("identity"))));
    assert_eq!(store.events(None, None, 100).await.unwrap().len(), before, "a failed unit tells nothing");
}

pub(super) async fn attributes_replace_and_go(store: Bench) {
    let id = register(&store).await;
    store.put_attributes(id, vec![attribute("name", json!("Mina"))], NOW + 5).await.unwrap();
    let changes = vec![attribute("name", json!("Kim Mina")), attribute("locale", json!("ko"))];
    store.put_attributes(id, changes, NOW + 6).await.unwrap();
    let profile = store.profile(id).await.unwrap().unwrap();
    let read: Vec<_> = profile.attributes.iter().map(|it| (it.name.as_str(), it.value.clone())).collect();
    assert_eq!(read, [("locale", json!("ko")), ("name", json!("Kim Mina"))]);
    assert_eq!(profile.account.updated_at, NOW + 6);
    store.put_attributes(id, vec![attribute("name", json!(null))], NOW + 7).await.unwrap();
    store.put_attributes(id, Vec::new(), NOW + 8).await.unwrap();
    assert_eq!(store.profile(id).await.unwrap().unwrap().attributes.len(), 1);
    let events = store.events(Some(id), None, 10).await.unwrap();
    assert_eq!(events[2].data, json!({ "names": ["locale", "name"] }));
    assert_eq!(events.len(), 4);
    let rest = store.events(Some(id), Some(events[1].id), 10).await.unwrap();
    assert_eq!(rest, events[2..]);
}

pub(super) async fn stages_move_once(store: Bench) {
    let id = store.register_account(NewAccount { stage: Stage::Lite, ..nobody() }, NOW).await.unwrap();
    assert_eq!(store.set_stage(id, Stage::Registered, NOW).await.unwrap(), Stage::Registered);
    assert_eq!(store.set_stage(id, Stage::Registered, NOW).await.unwrap(), Stage::Registered);
    assert_eq!(kinds(&store, id).await, ["account.created", "account.stage_changed"]);
    let told = &store.events(Some(id), None, 10).await.unwrap()[1].data;
    assert_eq!(told, &json!({ "from": "lite", "to": "registered" }));
    let lite = store.register_account(NewAccount { stage: Stage::Lite, ..nobody() }, NOW).await.unwrap();
    store.link_member(&membership(lite, "1"), NOW).await.unwrap();
    assert_eq!(store.account(lite).await.unwrap().unwrap().stage, Stage::Lite, "terms come first");
    assert_eq!(store.set_stage(lite, Stage::Registered, NOW).await.unwrap(), Stage::Member);
}

pub(super) async fn suspension_ends_everything(store: Bench) {
    let id = register(&store).await;
    let browser = session(id);
    store.start_session(&browser, &[1; 32], None, NOW).await.unwrap();
    let tokens = family(id, Some(browser.id), "openid offline_access");
    store.open_family(&tokens, None, Some(refresh(1)), NOW).await.unwrap();
    store.set_status(id, Status::Suspended, NOW + 1).await.unwrap();
    store.set_status(id, Status::Suspended, NOW + 2).await.unwrap();
    assert!(store.session(&[1; 32], NOW + 1).await.unwrap().is_none());
    assert_eq!(store.family(tokens.id).await.unwrap().unwrap().revoked_at, Some(NOW + 1));
    assert!(matches!(store.start_session(&session(id), &[2; 32], None, NOW).await, Err(Error::Conflict("account"))));
    let attempt = store.open_family(&family(id, None, "openid"), None, None, NOW).await;
    assert!(matches!(attempt, Err(Error::Conflict("account"))));
    store.set_status(id, Status::Active, NOW + 3).await.unwrap();
    assert!(!store.use_refresh_token(&[1; 32], NOW + 3).await.unwrap(), "what was revoked stays so");
    let told = kinds(&store, id).await;
    assert_eq!(told[3..], ["account.suspended", "account.reactivated"]);
    store.set_status(id, Status::Merged, NOW + 4).await.unwrap();
    assert_eq!(store.account(id).await.unwrap().unwrap().status, Status::Merged);
}

pub(super) async fn erasure_leaves_the_bare_row(store: Bench) {
    let new = NewAccount {
        contact: Some(email("mina@example.com", true)),
        identity: Some(kakao("1")),
        attributes: vec![attribute("name", json!("Mina"))],
        ..nobody()
    };
    let id = store.register_account(new.clone(), NOW).await.unwrap();
    store.link_member(&membership(id, "1"), NOW).await.unwrap();
    let tokens = family(id, None, "openid");
    store.open_family(&tokens, None, None, NOW).await.unwrap();
    let subject = store.subject(id, &Sector::public(), NOW).await.unwrap();
    store.set_status(id, Status::Erased, NOW).await.unwrap();
    store.set_status(id, Status::Active, NOW).await.unwrap();
    let profile = store.profile(id).await.unwrap().unwrap();
    assert_eq!(profile.account.status, Status::Erased, "for good");
    assert!(profile.attributes.is_empty() && profile.contacts.is_empty() && profile.memberships.is_empty());
    assert!(store.identity(&kakao("1").key).await.unwrap().is_none());
    assert!(store.contacts(id).await.unwrap().is_empty());
    assert!(store.live_grant(tokens.id, "jti", &tokens.client).await.unwrap().is_none());
    assert_eq!(store.resolve_subject(&Sector::public(), &subject.0).await.unwrap(), Some(id));
    let attempt = store.put_attributes(id, vec![attribute("name", json!("Mina"))], NOW).await;
    assert!(matches!(attempt, Err(Error::Conflict("account"))));
    let again = store.register_account(new, NOW).await.unwrap();
    assert_ne!(store.subject(again, &Sector::public(), NOW).await.unwrap(), subject);
    assert_eq!(kinds(&store, id).await.last().unwrap(), "account.erased");
}

pub(super) async fn acceptances_stand(store: Bench) {
    let id = register(&store).await;
    let later = Acceptance { accepted_at: NOW + 9, ..acceptance("terms", 1) };
    store.accept_documents(id, vec![acceptance("terms", 1), acceptance("privacy", 2)]).await.unwrap();
    store.accept_documents(id, vec![later]).await.unwrap();
    assert_eq!(store.acceptances(id).await.unwrap(), [acceptance("privacy", 2), acceptance("terms", 1)]);
}

pub(super) async fn sequences_have_no_gaps(store: Bench) {
    let (a, b) = (register(&store).await, register(&store).await);
    for round in 0..5 {
        store.put_attributes(a, vec![attribute("name", json!(round))], NOW).await.unwrap();
        let _ = store.verify_contact(b, crate::model::contact::ContactKind::Email, "b@example.com", NOW).await;
        let _ = store.remove_password(a, NOW).await.unwrap();
    }
    assert_eq!(kinds(&store, a).await.len(), 6);
    assert_eq!(kinds(&store, b).await, ["account.created", "contact.verified"]);
    let all = store.events(None, None, 1000).await.unwrap();
    assert_eq!(all.len(), 8);
    assert!(all.is_sorted_by(|left, right| left.id < right.id), "identifiers rise within a second too");
    assert_eq!(store.events(None, Some(all[4].id), 2).await.unwrap(), all[5..7]);
}

fn acceptance(document: &str, version: u32) -> Acceptance {
    Acceptance {
        document: document.to_owned(),
        version,
        hash: "hash".to_owned(),
        locale: Locale::english(),
        accepted_at: NOW,
    }
}
