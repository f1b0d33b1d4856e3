//! Where an authorization response may go.

/// Whether the `redirect_uri` of a request is the registered one: byte for byte [RFC 9700 §2.1], except that a native
/// application on `http://127.0.0.1` or `http://[::1]` may use another port each time [RFC 8252 §7.3].
pub fn redirect_uri_matches(registered: &str, presented: &str) -> bool {
    if registered == presented {
        return true;
    }
    match (loopback(registered), loopback(presented)) {
        (Some((host, path)), Some((presented_host, presented_path))) => {
            host == presented_host && path == presented_path
        }
        _ => false,
    }
}

/// Splits a loopback address into its origin without the port and the rest; no parser, nothing is normalised.
fn loopback(uri: &str) -> Option<(&'static str, &str)> {
    const ORIGINS: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];
    ORIGINS.into_iter().find_map(|origin| {
        let rest = uri.strip_prefix(origin)?;
        let rest = match rest.strip_prefix(':') {
            None => rest,
            Some(port) => {
                let digits = port.bytes().take_while(u8::is_ascii_digit).count();
                let (number, rest) = port.split_at_checked(digits)?;
                // As a number, not as text, so that `:0`, `:99999` and an empty port are no ports.
                number.parse::<u16>().ok().filter(|number| *number != 0 && !port.starts_with('0'))?;
                rest
            }
        };
        (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((origin, rest))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_very_same_text_matches() {
        let registered = "https://rp.example/cb?x=1";
        assert!(redirect_uri_matches(registered, registered));
        for presented in [
            "https://rp.example/cb",
            "https://rp.example/cb?x=1&y=2",
            "https://rp.example/cb?x=1#",
            "https://rp.example/cb?x=%31",
            "https://rp.example/CB?x=1",
            "HTTPS://rp.example/cb?x=1",
            "https://RP.example/cb?x=1",
            "https://rp.example:443/cb?x=1",
            "https://rp.example./cb?x=1",
            "https://rp.example/./cb?x=1",
            "https://rp.example/a/../cb?x=1",
            "https://rp.example/a/..;/cb?x=1",
            "https://rp.example/cb/?x=1",
            "https://rp.example@evil.example/cb?x=1",
            "https://a@b@rp.example/cb?x=1",
            "https://rp.example\\@evil.example/cb?x=1",
            "https://evil.example/https://rp.example/cb?x=1",
            "https://rpXexample/cb?x=1",
            "https://sub.rp.example/cb?x=1",
            " https://rp.example/cb?x=1",
            "https://rp.example/cb?x=1\n",
            "http://rp.example/cb?x=1",
            "",
        ] {
            assert!(!redirect_uri_matches(registered, presented), "{presented:?}");
        }
    }

    #[test]
    fn native_applications_choose_their_loopback_port() {
        for (registered, presented) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"),
            ("http://127.0.0.1:3000/cb", "http://127.0.0.1:51004/cb"),
            ("http://127.0.0.1:3000/cb", "http://127.0.0.1/cb"),
            ("http://[::1]/cb?x=1", "http://[::1]:65535/cb?x=1"),
            ("http://127.0.0.1", "http://127.0.0.1:1"),
        ] {
            assert!(redirect_uri_matches(registered, presented), "{presented}");
        }
        for presented in [
            "http://127.0.0.1:51004/other",
            "http://127.0.0.1:51004/cb?x=1",
            "http://127.0.0.1:51004/cb#",
            "http://127.0.0.1:51004",
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:080/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:+80/cb",
            "http://127.0.0.1:80:80/cb",
            "http://127.0.0.1:80@evil.example/cb",
            "http://127.0.0.1:80.evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1@evil.example/cb",
            "http://127.0.0.10/cb",
            "http://127.0.0.2:80/cb",
            "http://[::1]:80/cb",
            "http://localhost:80/cb",
            "https://127.0.0.1:80/cb",
            "HTTP://127.0.0.1:80/cb",
        ] {
            assert!(!redirect_uri_matches("http://127.0.0.1/cb", presented), "{presented}");
        }
        for registered in ["http://localhost/cb", "https://127.0.0.1/cb", "https://rp.example/cb"] {
            let presented = registered.replacen("/cb", ":8080/cb", 1);
            assert!(!redirect_uri_matches(registered, &presented), "{presented}");
        }
    }

    proptest! {
        #[test]
        fn a_match_is_equality_but_for_a_loopback_port(
            a in "(http|https)://(127\\.0\\.0\\.1|\\[::1\\]|rp)(:[0-9]{0,5})?(/[ab@.]{0,2})?",
            b in "(http|https)://(127\\.0\\.0\\.1|\\[::1\\]|rp)(:[0-9]{0,5})?(/[ab@.]{0,2})?",
        ) {
            if redirect_uri_matches(&a, &b) && a != b {
                let (mut a, mut b) = (url::Url::parse(&a).unwrap(), url::Url::parse(&b).unwrap());
                prop_assert!(a.scheme() == "http" && a.host_str() != Some("rp"));
                a.set_port(None).unwrap();
                b.set_port(None).unwrap();
                prop_assert_eq!(a, b);
            }
        }

        #[test]
        fn matching_is_total_and_reflexive(a: String, b: String) {
            prop_assert!(redirect_uri_matches(&a, &a));
            prop_assert!(!redirect_uri_matches(&a, &b) || a == b);
        }
    }
}
