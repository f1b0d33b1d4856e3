//! A client on its own behalf [RFC 6749 §4.4].

use crate::support::tokens::part;
use crate::support::{Rp, Tokens, World};

stories!(
    a_machine_gets_a_token_for_what_it_may_do,
    nothing_about_people_comes_this_way,
    others_may_not,
    its_subject_is_never_a_persons,
    its_token_is_signed_as_its_resource_server_wants_it,
    it_can_be_revoked,
);

async fn token(rp: &Rp, scope: &str) -> Tokens {
    rp.tokens(rp.post("/token", &[("grant_type", "client_credentials"), ("scope", scope)]).await).await
}

async fn a_machine_gets_a_token_for_what_it_may_do(world: World) {
    let robot = world.rp("robot");
    let tokens = token(&robot, "orders.read").await;
    assert_eq!((&tokens.refresh, tokens.id_token.as_str(), tokens.scope()), (&None, "", vec!["orders.read"]));
    let claims = part(&tokens.access, 1);
    assert_eq!((claims["sub"].as_str(), claims["client_id"].as_str()), (Some("robot"), Some("robot")));
    assert_eq!(claims["aud"], "https://api.example");
    let seen = world.rp("api").introspect(&tokens.access).await;
    assert_eq!((&seen["active"], seen["scope"].as_str()), (&true.into(), Some("orders.read")));
    world.advance(600);
    assert_eq!(world.rp("api").introspect(&tokens.access).await["active"], false);
}

async fn its_token_is_signed_as_its_resource_server_wants_it(world: World) {
    let (robot, api) = (world.rp("robot"), world.rp("api"));
    assert_eq!(part(&token(&robot, "orders.read").await.access, 0)["alg"], "RS256");
    for alg in ["ES256", "EdDSA", "PS256"] {
        world.change_client("robot", |client| alg.clone_into(&mut client.access_token_signed_response_alg)).await;
        let tokens = token(&robot, "orders.read").await;
        let header = part(&tokens.access, 0);
        assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some(alg), Some("at+jwt")));
        assert_eq!(api.introspect(&tokens.access).await["active"], true, "{alg}");
    }
}

async fn nothing_about_people_comes_this_way(world: World) {
    let robot = world.rp("robot");
    for scope in ["openid", "profile", "offline_access", "orders.read openid", "orders.delete", "membership"] {
        robot
            .post("/token", &[("grant_type", "client_credentials"), ("scope", scope)])
            .await
            .refused(400, "invalid_scope");
    }
    let tokens = token(&robot, "orders.read").await;
    assert_eq!(robot.userinfo(&tokens.access).await.status, 401);
    // A client of this grant alone has no business at the authorization endpoint.
    let mut browser = world.browser();
    browser.open("/authorize?client_id=robot&response_type=code&redirect_uri=https://robot.example/").await;
    browser.assert_error(400);
}

async fn others_may_not(world: World) {
    for id in ["web", "plain", "app", "hotel"] {
        let reply = world.rp(id).post("/token", &[("grant_type", "client_credentials")]).await;
        reply.refused(400, "unauthorized_client");
    }
}

async fn its_subject_is_never_a_persons(world: World) {
    world.person("mina@example.com", "Mina Kim").await;
    let mut browser = world.browser();
    let person = world.rp("web").sign_in(&mut browser, &world, "mina@example.com").await;
    let pairwise = world.rp("hotel").sign_in(&mut browser, &world, "mina@example.com").await;
    assert!(person.sub().starts_with("u_") && pairwise.sub().starts_with("p_"));
    for id in [person.sub(), "u_robot", "p_robot"] {
        let row =
            format!("[[client]]\nclient_id = \"{id}\"\nclient_name = \"x\"\ngrant_types = [\"client_credentials\"]\n");
        assert!(comity::settings::clients_from(&row, "a test").is_err());
    }
}

async fn it_can_be_revoked(world: World) {
    let robot = world.rp("robot");
    let tokens = token(&robot, "orders.read").await;
    assert_eq!(world.rp("api").introspect(&tokens.access).await["active"], true);
    robot.revoke(&tokens.access).await;
    assert_eq!(world.rp("api").introspect(&tokens.access).await["active"], false);
}
