//! Token revocation [RFC 7009].

use crate::support::World;

stories!(
    an_access_token_ends_alone,
    a_refresh_token_takes_its_family_along,
    others_and_unknown_tokens_are_left_alone_and_nobody_learns,
    a_public_client_revokes_its_own,
    revocation_survives_a_restart,
    revoking_while_refreshing_leaves_nothing_alive,
);

async fn an_access_token_ends_alone(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    for id in ["web", "plain"] {
        let rp = world.rp(id);
        let scope = "openid offline_access";
        let tokens = rp.sign_in_for(&mut world.browser(), &world, "mina@example.com", scope).await;
        rp.revoke(&tokens.access).await;
        assert_eq!(rp.userinfo(&tokens.access).await.status, 401);
        assert_eq!(rp.introspect(&tokens.access).await["active"], false);
        let next = rp.refresh(tokens.refresh()).await;
        rp.userinfo(&next.access).await.expect(200);
    }
}

async fn a_refresh_token_takes_its_family_along(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let scope = "openid offline_access";
    let tokens = rp.sign_in_for(&mut world.browser(), &world, "mina@example.com", scope).await;
    let next = rp.refresh(tokens.refresh()).await;
    let other = rp.sign_in_for(&mut world.browser(), &world, "mina@example.com", scope).await;
    rp.post("/revoke", &[("token", tokens.refresh()), ("token_type_hint", "nonsense")]).await.expect(200);
    rp.try_refresh(tokens.refresh(), None).await.refused(400, "invalid_grant");
    for access in [&tokens.access, &next.access] {
        assert_eq!(rp.userinfo(access).await.status, 401);
    }
    rp.userinfo(&other.access).await.expect(200);
    rp.refresh(other.refresh()).await;
}

async fn others_and_unknown_tokens_are_left_alone_and_nobody_learns(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let scope = "openid offline_access";
    let tokens = rp.sign_in_for(&mut world.browser(), &world, "mina@example.com", scope).await;
    for id in ["plain", "hotel", "app"] {
        let unknown = world.rp(id).post("/revoke", &[("token", "unknown")]).await.expect(200);
        for token in [&tokens.access, tokens.refresh()] {
            let reply = world.rp(id).post("/revoke", &[("token", token)]).await.expect(200);
            assert_eq!(reply.body, unknown.body);
        }
    }
    rp.userinfo(&tokens.access).await.expect(200);
    rp.refresh(tokens.refresh()).await;
    rp.post("/revoke", &[]).await.refused(400, "invalid_request");
}

async fn a_public_client_revokes_its_own(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("app");
    let scope = "openid offline_access";
    let tokens = rp.sign_in_for(&mut world.browser(), &world, "mina@example.com", scope).await;
    rp.revoke(tokens.refresh()).await;
    rp.try_refresh(tokens.refresh(), None).await.refused(400, "invalid_grant");
    assert_eq!(rp.userinfo(&tokens.access).await.status, 401);
}

async fn revocation_survives_a_restart(mut world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let scope = "openid offline_access";
    let first = rp.sign_in_for(&mut world.browser(), &world, "mina@example.com", scope).await;
    let second = rp.sign_in_for(&mut world.browser(), &world, "mina@example.com", scope).await;
    rp.revoke(first.refresh()).await;
    rp.revoke(&second.access).await;
    world.restart().await;
    assert_eq!(rp.userinfo(&first.access).await.status, 401);
    assert_eq!(rp.userinfo(&second.access).await.status, 401);
    rp.try_refresh(first.refresh(), None).await.refused(400, "invalid_grant");
    rp.refresh(second.refresh()).await;
}

async fn revoking_while_refreshing_leaves_nothing_alive(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("app");
    for _ in 0..5 {
        let scope = "openid offline_access";
        let tokens = rp.sign_in_for(&mut world.browser(), &world, "mina@example.com", scope).await;
        let refreshes: Vec<_> = (0..10)
            .map(|_| {
                let (rp, token) = (rp.clone(), tokens.refresh().to_owned());
                tokio::spawn(async move { rp.try_refresh(&token, None).await })
            })
            .collect();
        rp.revoke(tokens.refresh()).await;
        for refresh in refreshes {
            let reply = refresh.await.unwrap();
            if reply.status == 200 {
                let access = reply.json()["access_token"].as_str().unwrap().to_owned();
                assert_eq!(rp.userinfo(&access).await.status, 401);
            }
        }
        rp.try_refresh(tokens.refresh(), None).await.refused(400, "invalid_grant");
    }
}
