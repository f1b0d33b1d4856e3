use super::{Bench, NOW, kinds, membership, register};
use crate::model::account::Status;
use crate::store::{LinkNotice, Linked};

pub(super) async fn notices_wait_for_delivery(store: Bench) {
    let programme = "skyway".into();
    let account = register(&store).await;
    let Linked::Linked(first) = store.link_member(&membership(account, "1"), NOW).await.unwrap() else { panic!() };
    let Linked::Linked(second) = store.link_member(&membership(account, "2"), NOW + 1).await.unwrap() else { panic!() };
    let notice = |membership, number: &str, linked| LinkNotice {
        membership,
        account,
        member_ref: format!("ref-{number}"),
        linked,
    };
    let waiting = store.link_notices(&programme, 10).await.unwrap();
    assert_eq!(waiting, [notice(first, "1", true), notice(second, "2", true)]);
    assert_eq!(store.link_notices(&programme, 1).await.unwrap().len(), 1);
    assert!(store.link_notices(&"milenote".into(), 10).await.unwrap().is_empty());

    // Unlinked while the first notice was on its way: its delivery does not forget the second.
    assert!(store.unlink_member(account, first, NOW + 2).await.unwrap());
    store.link_notice_delivered(&waiting[0]).await.unwrap();
    let waiting = store.link_notices(&programme, 10).await.unwrap();
    assert_eq!(waiting, [notice(second, "2", true), notice(first, "1", false)]);
    for delivered in &waiting {
        store.link_notice_delivered(delivered).await.unwrap();
    }
    assert!(store.link_notices(&programme, 10).await.unwrap().is_empty());

    // Nothing but the link itself makes a notice.
    store.link_member(&membership(account, "2"), NOW + 3).await.unwrap();
    assert!(store.link_notices(&programme, 10).await.unwrap().is_empty());
    assert!(store.unlink_member(account, second, NOW + 4).await.unwrap());
    assert_eq!(store.link_notices(&programme, 10).await.unwrap().len(), 1);
    store.set_status(account, Status::Erased, NOW + 5).await.unwrap();
    assert!(store.link_notices(&programme, 10).await.unwrap().is_empty());
}

pub(super) async fn abuse_is_told_of(store: Bench) {
    let account = register(&store).await;
    store.report_link_abuse(account, &"skyway".into(), NOW).await.unwrap();
    assert_eq!(kinds(&store, account).await[1..], ["membership.link_abuse"]);
}
