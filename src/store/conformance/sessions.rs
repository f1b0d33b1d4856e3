use super::{Bench, NOW, authentication, family, kinds, refresh, register, session};
use crate::model::session::Authentication;
use crate::store::Error;

pub(super) async fn start_read_and_end(store: Bench) {
    let id = register(&store).await;
    let browser = session(id);
    store.start_session(&browser, &[1; 32], None, NOW).await.unwrap();
    assert_eq!(store.session(&[1; 32], NOW).await.unwrap().unwrap(), browser);
    assert_eq!(store.session_by_id(browser.id, NOW).await.unwrap().unwrap(), browser);
    assert!(store.session(&[2; 32], NOW).await.unwrap().is_none());
    assert!(store.session(&[1; 32], browser.expires_at).await.unwrap().is_none());
    assert!(store.session_by_id(browser.id, browser.expires_at).await.unwrap().is_none());
    store.touch_session(browser.id, NOW + 59).await.unwrap();
    assert_eq!(store.sessions(id, NOW).await.unwrap()[0].last_seen_at, NOW);
    store.touch_session(browser.id, NOW + 60).await.unwrap();
    assert_eq!(store.sessions(id, NOW).await.unwrap()[0].last_seen_at, NOW + 60);
    let twice = store.start_session(&session(id), &[1; 32], None, NOW).await;
    assert!(matches!(twice, Err(Error::Conflict("session"))));

    let online = family(id, Some(browser.id), "openid");
    let offline = family(id, Some(browser.id), "openid offline_access");
    store.open_family(&online, None, None, NOW).await.unwrap();
    store.open_family(&offline, None, Some(refresh(1)), NOW).await.unwrap();
    let stranger = register(&store).await;
    assert!(!store.end_session(stranger, browser.id, NOW).await.unwrap());
    assert!(store.end_session(id, browser.id, NOW + 1).await.unwrap());
    assert!(!store.end_session(id, browser.id, NOW + 1).await.unwrap());
    assert!(store.session(&[1; 32], NOW).await.unwrap().is_none());
    assert_eq!(store.family(online.id).await.unwrap().unwrap().revoked_at, Some(NOW + 1));
    let kept = store.family(offline.id).await.unwrap().unwrap();
    assert_eq!((kept.revoked_at, kept.session), (None, None));
    let late = store.open_family(&family(id, Some(browser.id), "openid offline_access"), None, None, NOW).await;
    assert!(matches!(late, Err(Error::Conflict("session"))), "nothing grows out of a session that has ended");
    let told = kinds(&store, id).await;
    assert_eq!(told[1..], ["session.created", "grant.created", "grant.created", "session.revoked"]);
}

pub(super) async fn replacing_and_renewing(store: Bench) {
    let (before, after) = (register(&store).await, register(&store).await);
    let first = session(before);
    store.start_session(&first, &[1; 32], None, NOW).await.unwrap();
    let second = session(after);
    store.start_session(&second, &[2; 32], Some(first.id), NOW).await.unwrap();
    assert!(store.session(&[1; 32], NOW).await.unwrap().is_none(), "another person ends the former session");
    assert_eq!(kinds(&store, before).await.last().unwrap(), "session.revoked");

    let fresh = Authentication { time: NOW + 9, amr: vec!["pwd".to_owned()], ..authentication() };
    assert!(store.reauthenticated(second.id, &[3; 32], &fresh, NOW + 9).await.unwrap());
    assert!(store.session(&[2; 32], NOW + 9).await.unwrap().is_none(), "the old cookie is void");
    assert_eq!(store.session(&[3; 32], NOW + 9).await.unwrap().unwrap().authentication, fresh);
    assert!(!store.reauthenticated(first.id, &[4; 32], &fresh, NOW).await.unwrap());
    assert!(!store.reauthenticated(second.id, &[4; 32], &fresh, second.expires_at).await.unwrap());
}

pub(super) async fn ending_all(store: Bench) {
    let id = register(&store).await;
    let browsers = [session(id), session(id), session(id)];
    for (byte, browser) in (1..).zip(&browsers) {
        store.start_session(browser, &[byte; 32], None, NOW).await.unwrap();
    }
    let kept = family(id, Some(browsers[0].id), "openid");
    let ended = family(id, Some(browsers[1].id), "openid");
    store.open_family(&kept, None, None, NOW).await.unwrap();
    store.open_family(&ended, None, None, NOW).await.unwrap();
    let gone = store.end_sessions(id, Some(browsers[0].id), NOW + 1).await.unwrap();
    assert_eq!(gone.len(), 2);
    assert_eq!(store.sessions(id, NOW).await.unwrap(), browsers[..1]);
    assert!(store.family(kept.id).await.unwrap().unwrap().revoked_at.is_none());
    assert!(store.family(ended.id).await.unwrap().unwrap().revoked_at.is_some());
    assert_eq!(store.end_sessions(id, None, NOW + 1).await.unwrap(), [browsers[0].id]);
    assert!(store.end_sessions(id, None, NOW + 1).await.unwrap().is_empty());
    assert_eq!(kinds(&store, id).await.iter().filter(|kind| *kind == "session.revoked").count(), 3);
}
