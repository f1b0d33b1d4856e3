//! Settings that cannot be used: one line that names the key, no secret in it, nothing written.

use std::collections::BTreeSet;
use std::process::Output;

use crate::support::Backend;
use crate::support::process::{Site, free_port};

/// Stands in every secret below, and must be printed nowhere.
const SECRET: &str = "hunter2";

fn site() -> Site {
    Site::new(Backend::Sqlite).unwrap()
}

fn files(site: &Site) -> BTreeSet<String> {
    let entries = std::fs::read_dir(site.path("")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Asserts that a command failed with one line that says `words`, and wrote nothing.
#[track_caller]
fn assert_fails(site: &Site, command: &[&str], words: &[&str]) {
    let before = files(site);
    let output = site.run(command);
    let (shown, said) = told(&output);
    assert_eq!(output.status.code(), Some(1), "{command:?}: {shown}{said}");
    // A line says one thing; two documents lack a text, say.
    assert!((1..=2).contains(&said.lines().count()), "one line: {said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
    assert!(!said.contains(SECRET) && !shown.contains(SECRET), "a secret is shown: {said}");
    assert_eq!(shown, "", "nothing is said beside the error");
    assert_eq!(files(site), before, "{command:?} wrote something");
}

fn told(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_broken_file_is_named_with_its_key_and_nothing_is_written() {
    let broken: &[(&str, &[&str])] = &[
        ("colour = \"blue\"", &["colour", "unknown"]),
        ("[tokens]\nacces_seconds = 600", &["tokens", "acces_seconds"]),
        ("[tokens]\naccess_seconds = \"ten minutes\"", &["tokens.access_seconds", "invalid type"]),
        ("[tokens]\naccess_seconds = 6000", &["tokens.access_seconds", "600"]),
        ("[tokens]\ncode_seconds = -1", &["tokens.code_seconds"]),
        ("[locales]\nzoneinfo = \"Mars/Olympus\"", &["locales.zoneinfo", "Mars/Olympus"]),
        ("[locales]\ndefault = \"xx\"", &["documents", "default language"]),
        ("[locales]\ndirectory = \"nowhere\"", &["locales", "nowhere"]),
        ("[mail.smtp]\npassword = 12345678", &["mail.smtp.password"]),
        ("[mail.smtp]\npassword_file = \"nowhere\"", &["password_file", "nowhere"]),
        ("[mail.smtp]\nhost = \"mail.example\"\nport = \"smtp\"", &["mail.smtp.port"]),
        ("[mail.smtp]\npassword = \"hunter2", &["settings.toml", "TOML"]),
        ("this is no TOML, hunter2", &["settings.toml", "TOML"]),
        ("[[connections]]\nid = \"google\"", &["connections", "client_id"]),
        ("[[connections]]\nid = \"google\"\nclient_id = \"x\"\nclient_secret = 12345678", &["client_secret"]),
        ("[[connections]]\nid = \"nobody\"\nclient_id = \"x\"\nclient_secret = \"hunter2\"", &["connection", "nobody"]),
        ("[outbound]\nextra_ca_file = \"nowhere.pem\"", &["outbound", "nowhere.pem"]),
        ("[[release.scope]]\nscope = \"x\"\npurpose = \"nothing\"", &["nothing"]),
        ("[clients]\nfile = \"nowhere.toml\"", &["clients.file", "nowhere.toml"]),
        ("[keys]\nmaster_key_files = []", &["keys.master_key_files"]),
        ("[keys]\nmaster_key_files = [\"nowhere.key\"]", &["keys.master_key_files", "nowhere.key"]),
        ("[keys]\nmaster_key_files = [\"short.key\"]", &["keys.master_key_files", "short.key", "32 bytes"]),
        ("[database]\nurl = \"mysql://comity:hunter2@localhost/x\"", &["database"]),
        ("[database]\nurl = \"postgres://comity:hunter2@local host/x\"", &["database"]),
        ("[cache]\nurl = \"memcached://:hunter2@localhost\"", &["cache"]),
        ("[log]\nfilter = \"comity=loud=er\"", &["log", "filter"]),
    ];
    let site = site();
    site.write("short.key", SECRET);
    for (text, words) in broken {
        // A table that is named twice is an error of its own: the broken one stands instead of the good one.
        let name = text.lines().next().unwrap().trim_matches(['[', ']']).split('.').next().unwrap();
        let good = site.settings("");
        let good: Vec<&str> = good.lines().filter(|line| !line.starts_with(&format!("{name} ="))).collect();
        site.write("settings.toml", &format!("{}\n{text}\n", good.join("\n")));
        for command in [&["config", "check"][..], &["serve"]] {
            assert_fails(&site, command, words);
        }
    }
}

#[test]
fn a_broken_clients_file_is_named_with_its_row() {
    let broken: &[(&str, &[&str])] = &[
        ("[[client]]\nclient_id = \"shop\"\nclient_secret = \"hunter2", &["clients.toml", "TOML"]),
        ("[[client]]\nclient_id = \"shop\"\nclient_secret = \"hunter2\"", &["client_name"]),
        ("[[client]]\nclient_id = \"shop\"\nclient_name = \"Shop\"\nclient_secret = 12345678", &["client_secret"]),
        (
            "[[client]]\nclient_id = \"shop\"\nclient_name = \"Shop\"\nclient_secret = \"hunter2\"\nredirect_uri = \"x\"",
            &["redirect_uri", "unknown"],
        ),
        (
            "[[client]]\nclient_id = \"shop\"\nclient_name = \"Shop\"\nredirect_uris = [\"http://shop.example/*\"]",
            &["shop", "redirect_uri"],
        ),
        (
            "[[client]]\nclient_id = \"shop\"\nclient_name = \"Shop\"\ngrant_types = []\n\
             access_token_signed_response_alg = \"HS256\"",
            &["shop", "access_token_signed_response_alg"],
        ),
    ];
    let site = site();
    for (text, words) in broken {
        site.write("clients.toml", text);
        for command in [&["config", "check"][..], &["serve"]] {
            assert_fails(&site, command, &[&["clients.file"], *words].concat());
        }
    }
}

#[test]
fn a_client_no_key_could_sign_for_is_refused() {
    let site = site();
    site.write("settings.toml", &site.settings("").replace("keys = {", "keys = { algs = [\"RS256\"],"));
    for name in ["id_token_signed_response_alg", "access_token_signed_response_alg"] {
        let shop = "[[client]]\nclient_id = \"shop\"\nclient_name = \"Shop\"\ngrant_types = []";
        site.write("clients.toml", &format!("{shop}\n{name} = \"EdDSA\""));
        for command in [&["config", "check"][..], &["serve"]] {
            assert_fails(&site, command, &["clients.file", "shop", "EdDSA", "keys.algs"]);
        }
    }
}

#[test]
fn a_folder_in_place_of_a_file_is_no_file() {
    let site = site();
    std::fs::remove_file(site.path("clients.toml")).unwrap();
    std::fs::create_dir(site.path("clients.toml")).unwrap();
    assert_fails(&site, &["serve"], &["clients.file", "clients.toml"]);
}

#[test]
fn a_settings_file_that_is_not_there_is_named() {
    let site = site();
    std::fs::remove_file(site.path("settings.toml")).unwrap();
    for command in [&["config", "check"][..], &["serve"], &["migrate"], &["health"]] {
        assert_fails(&site, command, &["settings.toml"]);
    }
}

#[test]
fn a_second_server_on_the_same_port_says_so_and_the_first_goes_on() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let site = site();
        let mut first = site.start().await;
        assert_fails(&site, &["serve"], &["server.listen", &site.address.to_string(), "in use"]);
        // The same with the private listener.
        let public = site.address.to_string();
        let other = format!("127.0.0.1:{}", free_port());
        site.write(
            "settings.toml",
            &site.settings("").replace(&format!("listen = \"{public}\""), &format!("listen = \"{other}\"")),
        );
        assert_fails(&site, &["serve"], &["server.private_listen", &site.private.to_string(), "in use"]);
        assert!(first.is_running());
        first.wait_until_it_answers(&site).await;
    });
}

#[test]
fn two_migrations_at_once_both_succeed() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let Some(site) = Site::new(backend) else { continue };
        let commands = [(); 4].map(|()| {
            let command = site.command(&["migrate"]);
            std::thread::spawn(move || crate::support::process::finish(command))
        });
        for output in commands.map(|command| command.join().unwrap()) {
            let (shown, said) = told(&output);
            assert!(output.status.success(), "{said}");
            assert_eq!((shown.as_str(), said.as_str()), ("the database is up to date\n", ""));
        }
    }
}
