use super::tapped;
use crate::model::Random;
use crate::model::grant::Family;
use crate::store::conformance::{NOW, family, refresh, register};
use crate::store::db::Link;
use crate::trips::counted;

/// A statement on a warm connection is one round trip, and nothing else is said: not on taking a connection, not on
/// giving it back.
#[tokio::test(flavor = "multi_thread")]
async fn a_warm_statement_is_one_round_trip() {
    let Some((store, tap)) = tapped().await else { return };
    let account = register(&store).await;
    let deed = async |byte: u8| {
        let granted = Family { id: Random::new().id(NOW), ..family(account, None, "openid") };
        store.open_family(&granted, Some(&[byte; 32]), Some(refresh(byte)), NOW).await.unwrap();
        let granted = store.family(granted.id).await.unwrap().unwrap();
        assert!(store.live_grant(granted.id, "j", &granted.client).await.unwrap().is_some());
    };
    deed(1).await;
    tap.heard();
    let ((), trips) = counted(Box::pin(deed(2))).await;
    let heard = tap.heard();
    assert_eq!(heard.len(), usize::try_from(trips.sql).unwrap(), "{heard:?}");
    assert!(heard.iter().all(|it| it == "execute" || it.starts_with("BEGIN") || it == "COMMIT"), "{heard:?}");
}

/// A connection has more statements than the house: none is prepared twice.
#[tokio::test(flavor = "multi_thread")]
async fn statements_stay_prepared() {
    let Some((store, tap)) = tapped().await else { return };
    for prepared in [false, true] {
        tap.heard();
        for number in 0..300 {
            let mut link = store.db.read().await.unwrap();
            let Link::Postgres(link) = &mut link else { panic!("another engine") };
            let sql = sqlx::AssertSqlSafe(format!("SELECT {number} WHERE $1"));
            sqlx::query(sql).bind(true).execute(link.connection()).await.unwrap();
        }
        let heard = tap.heard();
        assert_eq!(heard.iter().any(|it| it == "prepare"), !prepared);
        assert_eq!(heard.iter().filter(|it| *it == "execute").count(), 300);
    }
}
