//! A number waits for its proof, and a challenge is asked for again.

use super::stage::Stage;
use crate::demo::loyalty_host::MINA;
use crate::membership::{Begun, Kept, Method};
use crate::model::Locale;

#[tokio::test]
async fn a_number_waits_for_its_holder_only() {
    let stage = Stage::new().await;
    let (mina, mal) = (stage.holder().await, stage.holder().await);
    let typed = "００１２ ３４５-６７５";
    let Kept::Waiting { transaction, number } = stage.room.keep_number(mina, &stage.skyway, typed).await.unwrap()
    else {
        panic!("not kept");
    };
    assert_eq!(number.as_str(), MINA);
    let link = transaction.expose();
    assert_eq!(stage.room.kept_number(link, mina, &stage.skyway).await.unwrap(), Some(number));
    assert_eq!(stage.room.kept_number(link, mal, &stage.skyway).await.unwrap(), None);
    assert_eq!(stage.room.kept_number(link, mina, &"milenote".into()).await.unwrap(), None);
    stage.clock.advance(600);
    assert_eq!(stage.room.kept_number(link, mina, &stage.skyway).await.unwrap(), None);
}

#[tokio::test]
async fn a_mistyped_number_is_told_at_once_and_never_reaches_the_host() {
    let stage = Stage::new().await;
    let mina = stage.holder().await;
    for typed in ["0012345674", "", "12345"] {
        let kept = stage.room.keep_number(mina, &stage.skyway, typed).await.unwrap();
        assert!(matches!(kept, Kept::InvalidNumber(_)), "{typed}");
    }
    let unknown = stage.room.keep_number(mina, &"milenote".into(), MINA).await.unwrap();
    assert!(matches!(unknown, Kept::UnknownProgramme));
    assert!(stage.host.requests().is_empty());
}

#[tokio::test]
async fn asking_again_replaces_the_challenge_and_counts_as_a_try() {
    let stage = Stage::new().await;
    let (mina, mal) = (stage.holder().await, stage.holder().await);
    let locale = Locale::english();
    let first = stage.start(mina, MINA, Method::Otp).await;
    let link = first.transaction.expose();
    assert!(stage.room.begin_again(link, mal, None, &locale).await.unwrap().is_none());
    let Some(Begun::Started(second)) = stage.room.begin_again(link, mina, None, &locale).await.unwrap() else {
        panic!("not started");
    };
    assert_eq!(second.method, Method::Otp);
    assert!(stage.room.in_progress(link, mina).await.unwrap().is_none());
    let link = second.transaction.expose();
    assert!(stage.room.in_progress(link, mina).await.unwrap().is_some());
    let third = stage.room.begin_again(link, mina, None, &locale).await.unwrap();
    let Some(Begun::Started(third)) = third else { panic!("not started") };
    let fourth = stage.room.begin_again(third.transaction.expose(), mina, None, &locale).await.unwrap();
    assert!(matches!(fourth, Some(Begun::Limited { .. })));
}
