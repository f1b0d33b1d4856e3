//! Every page with something on it.

use askama::Template;

use super::super::*;
use crate::i18n::Texts;
use crate::model::account::Stage;
use crate::model::client::Relationship;
use crate::model::member::ProofLevel;
use crate::model::{Locale, UnixTime};

/// What people and applications put into pages.
pub(super) struct Values {
    pub(super) person: String,
    pub(super) client: String,
    pub(super) entity: String,
    pub(super) email: String,
    pub(super) text: String,
}

impl Values {
    pub(super) fn ordinary() -> Self {
        let own = str::to_owned;
        Self {
            person: own("김미나"),
            client: own("SkyWay Shop"),
            entity: own("SkyWay Retail Ltd."),
            email: own("mina@example.com"),
            text: own("Member fares on flights and hotels"),
        }
    }

    /// Markup, a name without an end, a right-to-left script with emoji, full-width letters and a hidden override.
    pub(super) fn nasty() -> Self {
        Self {
            person: "<script>alert(1)</script>\"' onload=x".to_owned(),
            client: format!("</title><img src=x onerror=alert(2)>{}", "長い名前".repeat(20)),
            entity: "شركة الطيران 👩‍👩‍👧‍👦 \u{202E}gpj.exe".to_owned(),
            email: "ｍｉｎａ＠ｅｘａｍｐｌｅ.com\"><svg/onload=alert(3)>".to_owned(),
            text: "{name} {{ page.csrf }} &lt;b&gt; <b>bold</b> \u{0} ]]>".to_owned(),
        }
    }
}

pub(super) const TIME: UnixTime = UnixTime(1_795_453_500);

pub(super) fn page<'a>(texts: &'a Texts, locale: &'a Locale) -> Page<'a> {
    Page {
        texts,
        locale,
        zone: "Asia/Seoul",
        brand: "SkyWay ID",
        theme: None,
        asset_version: "1",
        nonce: "bm9uY2U",
        csrf: "Y3NyZi10b2tlbg",
        txn: Some("dHhuLWhhbmRsZQ"),
        action: "/signin",
        href: "/signin?txn=dHhuLWhhbmRsZQ",
    }
}

fn client(values: &Values) -> ClientView<'_> {
    ClientView {
        name: &values.client,
        logo: None,
        policy_uri: Some("https://shop.example/privacy"),
        tos_uri: Some("https://shop.example/terms?a=1&b=2"),
        external: false,
    }
}

fn connection(id: &'static str, name: &'static str, icon: &'static str, last_used: bool) -> Connection<'static> {
    Connection { id, name, icon: Some(icon), last_used }
}

fn connections(locale: &Locale) -> Vec<Connection<'static>> {
    let kakao = connection("kakao", "카카오", "/static/connectors/kakao.svg", true);
    let naver = connection("naver", "네이버", "/static/connectors/naver.svg", false);
    let line = connection("line", "LINE", "/static/connectors/line.svg", false);
    let yahoo = connection("yahoo_japan", "Yahoo! JAPAN", "/static/connectors/generic_oidc.svg", false);
    let apple = connection("apple", "Apple", "/static/connectors/apple.svg", false);
    let google = connection("google", "Google", "/static/connectors/google.svg", false);
    let facebook = connection("facebook", "Facebook", "/static/connectors/facebook.svg", false);
    match locale.as_str() {
        "ko" => vec![kakao, naver, apple, google],
        "ja" => vec![line, yahoo, apple, google],
        _ => vec![google, apple, facebook, Connection { name: "Kakao", ..kakao }],
    }
}

fn documents(values: &Values) -> [DocumentChoice<'_>; 4] {
    let document = |id, title, required| DocumentChoice {
        id,
        title,
        href: Some("/documents/terms"),
        required,
        ticked: false,
        change: None,
        change_href: None,
    };
    [
        DocumentChoice { href: None, ..document("age14", "만 14세 이상이에요", true) },
        document("terms", "SkyWay ID 이용약관", true),
        DocumentChoice {
            change: Some(&values.text),
            change_href: Some("/documents/privacy/diff"),
            ..document("privacy", "개인정보 수집·이용 동의", true)
        },
        document("marketing", "혜택과 이벤트 소식 받기", false),
    ]
}

/// The name of each sample and its HTML.
pub(super) type Rendered = Vec<(String, String)>;

fn add(into: &mut Rendered, name: &str, view: &impl Template) {
    into.push((name.to_owned(), view.render().unwrap()));
}

/// All pages.
pub(super) fn render_all(page: &Page<'_>, values: &Values) -> Rendered {
    let mut out = Vec::new();
    signing_in(page, values, &mut out);
    agreeing(page, values, &mut out);
    linking(page, values, &mut out);
    portal(page, values, &mut out);
    ending(page, values, &mut out);
    out
}

fn signing_in(page: &Page<'_>, values: &Values, out: &mut Rendered) {
    let connections = connections(page.locale);
    let sign_in = |client, reason, problem| SignIn {
        page,
        client,
        reason,
        email: &values.email,
        connections: &connections,
        password: true,
        problem,
    };
    add(out, "sign_in", &SignIn { email: "", ..sign_in(Some(client(values)), SignInReason::SignIn, None) });
    for reason in [SignInReason::SignIn, SignInReason::Again, SignInReason::StepUp, SignInReason::Link] {
        add(out, &format!("sign_in_{reason:?}"), &sign_in(None, reason, None));
    }
    for problem in Problem::ALL {
        let view = sign_in(Some(client(values)), SignInReason::SignIn, Some(problem));
        add(out, &format!("sign_in_{problem:?}"), &view);
    }
    let code = |resent, problem| Code {
        page,
        client: Some(client(values)),
        sent_to: &values.email,
        minutes: 10,
        resent,
        other: true,
        problem,
    };
    add(out, "code", &code(false, None));
    add(out, "code_resent", &code(true, Some(Problem::CodeWrong)));
    for (name, state) in [
        ("magic_link", MagicLinkState::Ready(&values.email)),
        ("magic_link_elsewhere", MagicLinkState::Elsewhere),
        ("magic_link_gone", MagicLinkState::Gone),
    ] {
        add(out, name, &MagicLink { page, client: Some(client(values)), state });
    }
    let password =
        Password { page, client: Some(client(values)), email: &values.email, problem: Some(Problem::PasswordWrong) };
    add(out, "password", &password);
    let documents = documents(values);
    let sign_up = |from, email_settled, problem| SignUp {
        page,
        client: Some(client(values)),
        from,
        name: &values.person,
        email: &values.email,
        email_settled,
        documents: &documents,
        problem,
    };
    add(out, "sign_up", &sign_up(Some("카카오"), true, None));
    add(out, "sign_up_typed", &sign_up(None, false, Some(Problem::TermsRequired)));
    let accounts = [
        AccountChoice { id: "1", name: &values.person, address: &values.email },
        AccountChoice { id: "2", name: "Ken", address: "k•••@example.jp" },
    ];
    add(out, "select_account", &SelectAccount { page, client: Some(client(values)), accounts: &accounts });
}

fn agreeing(page: &Page<'_>, values: &Values, out: &mut Rendered) {
    let documents = documents(values);
    let terms = |problem| Terms {
        page,
        client: Some(client(values)),
        documents: &documents[1..],
        effective: Some(TIME),
        problem,
    };
    add(out, "terms", &terms(None));
    add(out, "terms_problem", &terms(Some(Problem::TermsRequired)));
    let line = |field, claim, value, voluntary| ConsentLine { field, claim, value, voluntary, ticked: false };
    let profile = [
        line("profile.name", "name", &*values.person, false),
        line("profile.family_name.ja-Kana-JP", "family_name#ja-Kana-JP", "キム", false),
        line("profile.birthdate", "birthdate", "1999-03-01", true),
    ];
    let email = [line("email.email", "email", &*values.email, false)];
    let member = [
        line("membership.memberships", "urn:comity:memberships", "SkyWay Club · Gold", false),
        line("custom", "x_unknown_claim", &*values.text, true),
    ];
    let group = |scope, lines, retention, remember_days| ConsentGroup {
        scope,
        purpose: &values.text,
        recipients: &values.entity,
        retention,
        remember_days,
        lines,
    };
    let groups = [
        group("profile", &profile[..], "", Some(365)),
        group("email", &email[..], "90일", None),
        ConsentGroup { purpose: "", ..group("membership", &member[..], "", Some(30)) },
    ];
    for relationship in [Relationship::SameController, Relationship::Processor, Relationship::ThirdParty] {
        let view = Consent {
            page,
            client: ClientView { external: relationship == Relationship::ThirdParty, ..client(values) },
            legal_entity: &values.entity,
            relationship,
            signed_in_as: &values.person,
            groups: &groups,
            only_new: relationship == Relationship::Processor,
            offline: true,
        };
        add(out, &format!("consent_{relationship:?}"), &view);
    }
    let field = |claim, value, from, choices| ProfileField {
        claim,
        value,
        why: &values.text,
        recipients: &values.entity,
        from,
        choices,
    };
    let fields = [
        field("birthdate", "1999-03-01", Some("카카오"), &[]),
        field("given_name#ko", &*values.person, None, &[]),
        field("locale", "ja", None, &[("en", "English"), ("ja", "日本語")]),
    ];
    for (name, optional, editing) in
        [("profile", true, false), ("profile_required", false, false), ("profile_edit", true, true)]
    {
        let problem = editing.then_some(Problem::FieldInvalid);
        let view = Profile { page, client: Some(client(values)), fields: &fields, optional, editing, problem };
        add(out, name, &view);
    }
    let body = format!("{0}\nsecond line\n\n# {0}\n\n- {0}\n- two\n\nThe end.\n", values.text);
    let view = Document {
        page,
        title: &values.client,
        version: 3,
        effective: Some(TIME),
        body: &body,
        back: Some("/account"),
    };
    add(out, "document", &view);
}

fn linking(page: &Page<'_>, values: &Values, out: &mut Rendered) {
    let candidates = [
        Candidate { id: "1", name: &values.person, address: &values.email },
        Candidate { id: "2", name: "K•n", address: "k•••@example.jp" },
    ];
    for count in 0..=2 {
        let problem = (count == 2).then_some(Problem::ChoiceRequired);
        let candidates = &candidates[..count];
        let view = LinkAccount { page, client: Some(client(values)), from: "LINE", candidates, problem };
        add(out, &format!("link_account_{count}"), &view);
    }
    let number = "••••••5674";
    let proofs = [
        ProofChoice { method: ProofMethod::Otp, hint: Some("m•••@ex•••.com") },
        ProofChoice { method: ProofMethod::Pin, hint: None },
        ProofChoice { method: ProofMethod::Kba, hint: None },
    ];
    let steps = [
        ("number", LinkMemberStep::Number { number: &values.email, example: "0012 345 674" }, None),
        ("number_bad", LinkMemberStep::Number { number: "1", example: "" }, Some(Problem::NumberInvalid)),
        ("choose", LinkMemberStep::Choose { number, proofs: &proofs }, None),
        ("otp", LinkMemberStep::Otp { hint: "•••12" }, Some(Problem::ProofWrong)),
        ("pin", LinkMemberStep::Pin, None),
        ("kba", LinkMemberStep::Kba, None),
        (
            "done",
            LinkMemberStep::Done {
                number,
                tier: Some("Gold"),
                level: ProofLevel::Substantial,
                shared_with: &[&values.client, "SkyWay Go"],
            },
            None,
        ),
        ("done_low", LinkMemberStep::Done { number, tier: None, level: ProofLevel::Low, shared_with: &[] }, None),
        ("later", LinkMemberStep::Later, None),
        ("locked", LinkMemberStep::Locked, None),
    ];
    for (name, step, problem) in steps {
        let client = (name == "choose").then(|| client(values));
        add(out, &format!("link_member_{name}"), &LinkMember { page, client, programme: "SkyWay Club", step, problem });
    }
}

fn portal(page: &Page<'_>, values: &Values, out: &mut Rendered) {
    let profile = [
        ProfileRow { claim: "name", value: &values.person, from: None, verified: false },
        ProfileRow { claim: "birthdate", value: "1999-03-01", from: Some("카카오"), verified: true },
    ];
    let contacts = [
        ContactRow { id: "c1", value: &values.email, verified: true, removable: false },
        ContactRow { id: "c2", value: "mina.kim@example.org", verified: false, removable: true },
    ];
    let identity = |id, connection, icon, removable| IdentityRow {
        id,
        connection,
        icon: Some(icon),
        label: &values.email,
        linked_at: TIME,
        removable,
    };
    let identities = [
        identity("i1", "카카오", "/static/connectors/kakao.svg", true),
        identity("i2", "Google", "/static/connectors/google.svg", true),
    ];
    let membership = |id, programme, tier, stale| MembershipRow {
        id,
        programme,
        number: "••••••5674",
        tier,
        as_of: Some(TIME),
        stale,
        proof: ProofLevel::Substantial,
    };
    let memberships = [membership("m1", "SkyWay Club", Some("Gold"), false), membership("m2", "MileNote", None, true)];
    let session = |id, device, current| SessionRow { id, device, created_at: TIME, last_seen_at: TIME, current };
    let sessions = [session("s1", "Safari · iPhone", true), session("s2", &*values.entity, false)];
    let claims = [
        AppClaim {
            id: Some("shop|email"),
            claim: "email",
            purpose: &values.text,
            received: Some(Received { first: TIME, last: TIME, count: 12 }),
        },
        AppClaim { id: None, claim: "urn:comity:memberships", purpose: "", received: None },
    ];
    let app = |id, claims| AppRow {
        id,
        name: &values.client,
        legal_entity: &values.entity,
        href: Some("https://shop.example/"),
        since: TIME,
        last_used: Some(TIME),
        claims,
    };
    let apps = [app("shop", &claims[..]), AppRow { href: None, last_used: None, ..app("hotel", &[]) }];
    let connections = connections(page.locale);
    let full = Account {
        page,
        name: &values.person,
        stage: Stage::Member,
        since: TIME,
        profile: &profile,
        profile_href: "/account/profile",
        contacts: &contacts,
        identities: &identities,
        connections: &connections,
        password_href: Some("/account/password"),
        has_password: true,
        memberships: &memberships,
        programmes: &[Programme { id: "skyway", name: "SkyWay Club" }],
        sessions: &sessions,
        apps: &apps,
        done: Some("identity_linked"),
        problem: None,
    };
    add(out, "account", &full);
    let empty = Account {
        stage: Stage::Lite,
        memberships: &[],
        apps: &[],
        has_password: false,
        done: None,
        problem: Some(Problem::LastMethod),
        sessions: &sessions[..1],
        ..full
    };
    add(out, "account_empty", &empty);
    for has_password in [true, false] {
        let problem = has_password.then_some(Problem::PasswordShort(15));
        let view = SetPassword { page, email: &values.email, has_password, min: 15, problem };
        add(out, &format!("set_password_{has_password}"), &view);
    }
    let deeds = [
        Deed::UnlinkIdentity("카카오"),
        Deed::UnlinkMember("SkyWay Club", "••••••5674"),
        Deed::RemoveContact(&values.email),
        Deed::RevokeApp(&values.client),
        Deed::RevokeClaim("birthdate", &values.client),
        Deed::EndOtherSessions,
    ];
    for (index, deed) in deeds.into_iter().enumerate() {
        let view = Confirm { page, deed, fields: &[("unlink_identity", &values.text)] };
        add(out, &format!("confirm_{index}"), &view);
    }
}

fn ending(page: &Page<'_>, values: &Values, out: &mut Rendered) {
    add(out, "logout", &Logout { page, client: Some(&values.client), signed_in_as: Some(&values.person) });
    add(out, "logout_alone", &Logout { page, client: None, signed_in_as: None });
    let frames = ["https://a.example/logout?iss=x&sid=1", "https://b.example/logout"];
    let back = "https://shop.example/bye?state=\"><script>";
    add(out, "signed_out_frames", &SignedOut { page, frames: &frames, continue_href: Some(back), sign_in_href: None });
    add(out, "signed_out", &SignedOut { page, frames: &[], continue_href: None, sign_in_href: Some("/account") });
    for kind in ErrorKind::ALL {
        let detail = (kind == ErrorKind::BadRequest).then_some("redirect_uri is not registered for this client");
        let view = ErrorPage { page, kind, detail, trace: "0192f3c4a5b6", retry_href: Some("/account") };
        add(out, &format!("error_{kind:?}"), &view);
    }
    let notices = [
        NoticeKind::CheckMail(&values.email),
        NoticeKind::EmailVerified(&values.email),
        NoticeKind::Reauthenticate,
        NoticeKind::IdentityLinked("카카오"),
        NoticeKind::OpenInBrowser("Google"),
    ];
    for (index, kind) in notices.into_iter().enumerate() {
        add(out, &format!("notice_{index}"), &Notice { page, kind, continue_href: Some("/account") });
    }
    let parameters = [("code", "abc"), ("state", &*values.text), ("submit", "x")];
    add(out, "form_post", &FormPost { page, redirect_uri: "https://shop.example/cb?x=1&y=2", parameters: &parameters });
}
