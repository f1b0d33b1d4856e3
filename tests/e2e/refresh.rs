//! Refresh tokens [RFC 6749 §6, OIDC Core §12, RFC 9700 §4.14].

use crate::support::{Rp, Tokens, World};

stories!(
    a_public_client_gets_a_new_one_each_time,
    a_reused_one_ends_the_family,
    within_the_grace_a_retry_gets_the_same_successor,
    reuse_is_noticed_after_a_restart,
    a_confidential_client_keeps_its_own,
    it_belongs_to_its_client,
    scope_may_be_narrowed_never_widened,
    the_refreshed_id_token_tells_of_the_same_sign_in,
    suspended_people_are_refreshed_no_more,
    it_ends_when_unused_and_at_last,
    of_fifty_at_once_there_is_one_successor,
    without_offline_access_it_ends_with_the_session,
    a_scope_taken_from_the_client_is_gone_at_the_next_refresh,
);

async fn offline(world: &World, id: &str) -> (Rp, Tokens) {
    let rp = world.rp(id);
    let scope = "openid profile email offline_access";
    let tokens = rp.sign_in_for(&mut world.browser(), world, "mina@example.com", scope).await;
    (rp, tokens)
}

async fn a_public_client_gets_a_new_one_each_time(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let (rp, first) = offline(&world, "app").await;
    let mut current = first.refresh().to_owned();
    for _ in 0..3 {
        world.advance(3600);
        let next = rp.refresh(&current).await;
        assert_ne!(next.refresh(), current);
        rp.userinfo(&next.access).await.expect(200);
        current = next.refresh().to_owned();
    }
}

async fn a_reused_one_ends_the_family(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let (rp, first) = offline(&world, "app").await;
    let second = rp.refresh(first.refresh()).await;
    let third = rp.refresh(second.refresh()).await;
    let other_device = offline(&world, "app").await.1;
    world.advance(11);
    // The thief is late; the owner's next call fails too, and everything of this sign-in is over.
    rp.try_refresh(first.refresh(), None).await.refused(400, "invalid_grant");
    rp.try_refresh(third.refresh(), None).await.refused(400, "invalid_grant");
    assert_eq!(rp.userinfo(&third.access).await.status, 401);
    // Another sign-in of the same person is not.
    rp.refresh(other_device.refresh()).await;
}

async fn within_the_grace_a_retry_gets_the_same_successor(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let (rp, first) = offline(&world, "app").await;
    let second = rp.refresh(first.refresh()).await;
    world.advance(9);
    // The answer was lost in a tunnel: the application asks again.
    let again = rp.refresh(first.refresh()).await;
    assert_eq!(again.refresh(), second.refresh());
    rp.userinfo(&again.access).await.expect(200);
    rp.refresh(second.refresh()).await;
    world.change_client("app", |client| client.refresh_grace_seconds = 0).await;
    let (rp, first) = offline(&world, "app").await;
    rp.refresh(first.refresh()).await;
    world.advance(1);
    rp.try_refresh(first.refresh(), None).await.refused(400, "invalid_grant");
}

async fn reuse_is_noticed_after_a_restart(mut world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let (rp, first) = offline(&world, "app").await;
    let second = rp.refresh(first.refresh()).await;
    world.restart().await;
    world.advance(60);
    rp.try_refresh(first.refresh(), None).await.refused(400, "invalid_grant");
    rp.try_refresh(second.refresh(), None).await.refused(400, "invalid_grant");
}

async fn a_confidential_client_keeps_its_own(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let (rp, first) = offline(&world, "web").await;
    for _ in 0..3 {
        world.advance(3600);
        let next = rp.refresh(first.refresh()).await;
        assert!(next.refresh.is_none_or(|next| next == first.refresh()));
    }
    // Unless it is registered otherwise.
    let (rp, first) = offline(&world, "plain").await;
    assert_ne!(rp.refresh(first.refresh()).await.refresh(), first.refresh());
}

async fn it_belongs_to_its_client(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    for (owner, thief) in [("web", "plain"), ("web", "app"), ("app", "web"), ("app", "hotel")] {
        let (rp, tokens) = offline(&world, owner).await;
        world.rp(thief).try_refresh(tokens.refresh(), None).await.refused(400, "invalid_grant");
        rp.refresh(tokens.refresh()).await;
    }
    // Nor does it stand in for the client's secret.
    let (_, tokens) = offline(&world, "web").await;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh()), ("client_id", "web")];
    world.send(crate::support::Request::post("/token").form(fields)).await.refused(401, "invalid_client");
}

async fn scope_may_be_narrowed_never_widened(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let (rp, tokens) = offline(&world, "web").await;
    let narrow = rp.tokens(rp.try_refresh(tokens.refresh(), Some("openid email")).await).await;
    assert_eq!(narrow.scope(), ["email", "openid"]);
    let claims = rp.claims(&narrow).await;
    assert!(claims.get("email").is_some() && claims.get("name").is_none());
    for wide in ["openid phone", "openid email age", "orders.read"] {
        rp.try_refresh(tokens.refresh(), Some(wide)).await.refused(400, "invalid_scope");
    }
    // What was left out once is not lost.
    let whole = rp.refresh(tokens.refresh()).await;
    assert_eq!(whole.scope(), ["email", "offline_access", "openid", "profile"]);
    let silent = rp.tokens(rp.try_refresh(tokens.refresh(), Some("email")).await).await;
    assert_eq!(silent.id_token, "");
}

async fn the_refreshed_id_token_tells_of_the_same_sign_in(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let (rp, first) = offline(&world, "web").await;
    world.advance(100);
    let second = rp.refresh(first.refresh()).await;
    for claim in ["iss", "sub", "aud", "auth_time", "acr", "amr", "sid"] {
        assert_eq!(second.id[claim], first.id[claim], "{claim}");
    }
    assert_eq!(second.id["iat"].as_i64(), Some(world.now().0));
    assert!(second.id.get("nonce").is_none() && second.id.get("azp").is_none());
}

async fn suspended_people_are_refreshed_no_more(world: World) {
    let account = world.person("mina@example.com", "Mina Kim").await;
    let (web, confidential) = offline(&world, "web").await;
    let (app, public) = offline(&world, "app").await;
    world.suspend(account).await;
    web.try_refresh(confidential.refresh(), None).await.refused(400, "invalid_grant");
    app.try_refresh(public.refresh(), None).await.refused(400, "invalid_grant");
    assert_eq!(web.introspect(confidential.refresh()).await["active"], false);
}

async fn it_ends_when_unused_and_at_last(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let (rp, tokens) = offline(&world, "web").await;
    world.advance(2_592_000 + 1);
    rp.try_refresh(tokens.refresh(), None).await.refused(400, "invalid_grant");
    let (rp, first) = offline(&world, "app").await;
    let mut current = first.refresh().to_owned();
    for _ in 0..3 {
        world.advance(2_500_000);
        let next = rp.refresh(&current).await;
        current = next.refresh.unwrap();
    }
    world.advance(7_776_000 - 3 * 2_500_000);
    rp.try_refresh(&current, None).await.refused(400, "invalid_grant");
}

async fn of_fifty_at_once_there_is_one_successor(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let (rp, first) = offline(&world, "app").await;
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let (rp, token) = (rp.clone(), first.refresh().to_owned());
            tokio::spawn(async move { rp.try_refresh(&token, None).await })
        })
        .collect();
    let mut successors = Vec::new();
    for call in calls {
        successors.push(call.await.unwrap().expect(200).json()["refresh_token"].as_str().unwrap().to_owned());
    }
    successors.sort();
    successors.dedup();
    assert_eq!(successors.len(), 1, "one family, not fifty");
    // Without grace, one of fifty gets an answer at all.
    world.change_client("app", |client| client.refresh_grace_seconds = 0).await;
    let (rp, first) = offline(&world, "app").await;
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let (rp, token) = (rp.clone(), first.refresh().to_owned());
            tokio::spawn(async move { rp.try_refresh(&token, None).await.status })
        })
        .collect();
    let mut won = 0;
    for call in calls {
        won += usize::from(call.await.unwrap() == 200);
    }
    assert!(won <= 1, "{won}");
}

async fn without_offline_access_it_ends_with_the_session(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let rp = world.rp("web");
    let mut browser = world.browser();
    let online = rp.sign_in(&mut browser, &world, "mina@example.com").await;
    let scope = "openid offline_access";
    let offline = rp.sign_in_for(&mut browser, &world, "mina@example.com", scope).await;
    browser.open(&format!("/logout?id_token_hint={}", online.id_token)).await;
    assert_eq!(rp.userinfo(&online.access).await.status, 401);
    rp.refresh(offline.refresh()).await;
}

async fn a_scope_taken_from_the_client_is_gone_at_the_next_refresh(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let (rp, tokens) = offline(&world, "web").await;
    world
        .change_client("web", |client| {
            client.release.scopes.remove("email");
        })
        .await;
    let refreshed = rp.refresh(tokens.refresh()).await;
    assert!(rp.claims(&refreshed).await.get("email").is_none());
    assert!(rp.claims(&tokens).await.get("email").is_none());
}
