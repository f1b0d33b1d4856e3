//! The connection breaks when the server has committed and before it says so. Nobody knows, and whoever comes again
//! must not be wronged.

use super::tapped;
use crate::store::conformance::{NOW, family, kinds, refresh, register};
use crate::store::{Error, Opened, Rotation};

#[tokio::test(flavor = "multi_thread")]
async fn a_code_whose_commit_is_not_heard_of_opens_one_family_at_most() {
    let Some((store, tap)) = tapped().await else { return };
    let account = register(&store).await;
    let (lost, again) = (family(account, None, "openid"), family(account, None, "openid"));
    tap.cut_after("COMMIT");
    let outcome = store.open_family(&lost, Some(&[1; 32]), Some(refresh(1)), NOW).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    assert!(store.family(lost.id).await.unwrap().is_some(), "it had happened");
    // Whoever comes again is sent away, and what the first attempt gave rise to ends with that.
    let outcome = store.open_family(&again, Some(&[1; 32]), Some(refresh(2)), NOW).await.unwrap();
    assert_eq!(outcome, Opened::CodeReused);
    assert!(store.family(lost.id).await.unwrap().unwrap().revoked_at.is_some());
    assert!(store.family(again.id).await.unwrap().is_none());
    assert_eq!(kinds(&store, account).await[1..], ["grant.created", "grant.revoked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_whose_commit_is_not_heard_of_is_repeated() {
    let Some((store, tap)) = tapped().await else { return };
    let account = register(&store).await;
    let granted = family(account, None, "openid");
    store.open_family(&granted, None, Some(refresh(1)), NOW).await.unwrap();
    tap.cut_after("COMMIT");
    let outcome = store.rotate_refresh_token(&[1; 32], refresh(2), b"second", 10, NOW).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    let outcome = store.rotate_refresh_token(&[1; 32], refresh(3), b"third", 10, NOW + 1).await.unwrap();
    assert_eq!(outcome, Rotation::Repeated { sealed: b"second".to_vec() }, "the successor of the first attempt");
    let outcome = store.rotate_refresh_token(&[2; 32], refresh(4), b"fourth", 10, NOW + 2).await.unwrap();
    assert_eq!(outcome, Rotation::Rotated);
    assert!(store.family(granted.id).await.unwrap().unwrap().revoked_at.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_broke_before_its_commit_never_was() {
    let Some((store, tap)) = tapped().await else { return };
    let account = register(&store).await;
    let granted = family(account, None, "openid");
    tap.cut_after("BEGIN ISOLATION LEVEL READ COMMITTED");
    let outcome = store.open_family(&granted, Some(&[1; 32]), None, NOW).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    assert_eq!(store.open_family(&granted, Some(&[1; 32]), None, NOW).await.unwrap(), Opened::Opened);
}
