//! A headless Chromium of the test's own, spoken to in the `DevTools` protocol over a pipe. It ends with the test.
//!
//! A [`Tab`] sees what a person sees and does what a person can: it presses with the mouse, types with the keyboard.
//! Every page it loads is held to the house rules: the right language, nothing on the console, nothing from elsewhere.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

/// How long the browser may take for anything.
const PATIENCE: Duration = Duration::from_secs(30);
/// HTML, style, script and images of a hosted page, as they come over the wire.
const PAGE_BUDGET: u64 = 30 * 1024;

/// The pipe to the browser is its descriptors 3 and 4, which only a shell sets without unsafe code.
const LAUNCH: &str = r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null"#;
const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-pipe",
    "--window-size=1280,900",
];

/// A browser with an empty profile.
pub struct Chrome {
    child: Child,
    pipe: Mutex<ChildStdin>,
    heard: Arc<(Mutex<Heard>, Condvar)>,
    next: AtomicU64,
    language: &'static str,
    _profile: TempDir,
}

/// What came from the browser.
#[derive(Default)]
struct Heard {
    answers: HashMap<u64, Value>,
    events: Vec<Value>,
}

impl Chrome {
    /// One that prefers a language; `None`, with a line that says so, where Chromium is not installed.
    pub fn start(language: &'static str) -> Option<Self> {
        if Command::new("chromium").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            let required = std::env::var("COMITY_TEST_SERVICES").is_ok_and(|value| value == "required");
            assert!(!required, "COMITY_TEST_SERVICES=required, but chromium is not installed");
            eprintln!("skipped: chromium is not installed");
            return None;
        }
        let profile = TempDir::new().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", LAUNCH, "launch", "chromium"]).args(FLAGS);
        command.arg(format!("--accept-lang={language}"));
        command.arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let heard = Arc::<(Mutex<Heard>, Condvar)>::default();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let listening = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while output.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                let value: Value = serde_json::from_slice(&message).unwrap();
                message.clear();
                let mut heard = listening.0.lock().unwrap();
                match value["id"].as_u64() {
                    Some(id) => drop(heard.answers.insert(id, value)),
                    None => heard.events.push(value),
                }
                listening.1.notify_all();
            }
        });
        let pipe = Mutex::new(child.stdin.take().unwrap());
        Some(Self { child, pipe, heard, next: AtomicU64::new(1), language, _profile: profile })
    }

    /// A new tab that runs scripts or not.
    pub fn tab(&self, scripts: bool) -> Tab<'_> {
        let target = self.call(None, "Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call(None, "Target.attachToTarget", &attach)["sessionId"].as_str().unwrap().to_owned();
        let tab = Tab { chrome: self, session, seen: Mutex::new(0) };
        for domain in ["Page", "Runtime", "Log", "Network", "DOM"] {
            tab.call(&format!("{domain}.enable"), &json!({}));
        }
        tab.call("Emulation.setScriptExecutionDisabled", &json!({ "value": !scripts }));
        tab
    }

    fn call(&self, session: Option<&str>, method: &str, params: &Value) -> Value {
        self.try_call(session, method, params).unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    fn try_call(&self, session: Option<&str>, method: &str, params: &Value) -> Result<Value, Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        self.pipe.lock().unwrap().write_all(&bytes).unwrap();
        let answer = self.wait(method, |heard| heard.answers.remove(&id));
        answer.get("error").map_or_else(|| Ok(answer["result"].clone()), |error| Err(error.clone()))
    }

    fn wait<T>(&self, what: &str, find: impl Fn(&mut Heard) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let (heard, bell) = &*self.heard;
        let mut heard = heard.lock().unwrap();
        loop {
            if let Some(found) = find(&mut heard) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the browser did not get to it: {what}");
            heard = bell.wait_timeout(heard, left).unwrap().0;
        }
    }
}

impl Drop for Chrome {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A tab. Elements are named by CSS selector.
pub struct Tab<'a> {
    chrome: &'a Chrome,
    session: String,
    /// How many of the browser's events belong to earlier pages.
    seen: Mutex<usize>,
}

impl Tab<'_> {
    /// Goes to an address.
    pub fn open(&self, url: &str) -> &Self {
        self.load(|| drop(self.call("Page.navigate", &json!({ "url": url }))))
    }

    /// Presses a button or follows a link, and waits for the page it leads to.
    pub fn press(&self, selector: &str) -> &Self {
        self.load(|| self.click(selector))
    }

    /// Ticks a box, chooses an option, or opens what is folded.
    pub fn click(&self, selector: &str) {
        let object = self.evaluate(&format!("document.querySelector({selector:?})"), false);
        let Some(object) = object["objectId"].as_str() else { panic!("no {selector} on {}", self.describe()) };
        self.call("DOM.scrollIntoViewIfNeeded", &json!({ "objectId": object }));
        let quads = self.call("DOM.getContentQuads", &json!({ "objectId": object }));
        let quad: Vec<f64> = quads["quads"][0].as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).collect();
        let (x, y) = (f64::midpoint(quad[0], quad[4]), f64::midpoint(quad[1], quad[5]));
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", &event);
        }
    }

    /// Types into a field.
    pub fn type_in(&self, selector: &str, text: &str) -> &Self {
        self.click(selector);
        self.call("Input.insertText", &json!({ "text": text }));
        self
    }

    /// Whether there is such an element.
    pub fn has(&self, selector: &str) -> bool {
        self.evaluate(&format!("!!document.querySelector({selector:?})"), true)["value"] == true
    }

    /// The visible text of an element.
    pub fn text(&self, selector: &str) -> String {
        self.read(selector, "innerText.trim()")
    }

    /// The visible texts of all such elements.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let all = format!("[...document.querySelectorAll({selector:?})].map(it => it.innerText.trim())");
        serde_json::from_value(self.evaluate(&all, true)["value"].clone()).unwrap()
    }

    /// An attribute of an element.
    pub fn attribute(&self, selector: &str, name: &str) -> String {
        self.read(selector, &format!("getAttribute({name:?})"))
    }

    /// Where the tab is.
    pub fn url(&self) -> Url {
        self.evaluate("location.href", true)["value"].as_str().unwrap().parse().unwrap()
    }

    /// Waits until a page that loads itself anew shows such an element.
    pub fn wait_for(&self, selector: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.has(selector) {
            assert!(Instant::now() < deadline, "no {selector} came up on {}", self.describe());
            std::thread::yield_now();
        }
    }

    fn read(&self, selector: &str, property: &str) -> String {
        let found = self.evaluate(&format!("document.querySelector({selector:?})?.{property}"), true);
        let text = found["value"].as_str().map(str::to_owned);
        text.unwrap_or_else(|| panic!("no {selector} on {}", self.describe()))
    }

    fn describe(&self) -> String {
        format!("{}: {}", self.url(), self.text("body"))
    }

    /// The protocol's own evaluation, which also works where pages may run no scripts.
    fn evaluate(&self, expression: &str, by_value: bool) -> Value {
        let params = json!({ "expression": expression, "returnByValue": by_value });
        let deadline = Instant::now() + PATIENCE;
        let answer = loop {
            // Between two pages there is nothing to ask.
            match self.chrome.try_call(Some(&self.session), "Runtime.evaluate", &params) {
                Ok(answer) => break answer,
                Err(error) => assert!(Instant::now() < deadline, "{expression}: {error}"),
            }
        };
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"].clone()
    }

    fn call(&self, method: &str, params: &Value) -> Value {
        self.chrome.call(Some(&self.session), method, params)
    }

    fn load(&self, act: impl FnOnce()) -> &Self {
        let from = self.chrome.heard.0.lock().unwrap().events.len();
        act();
        self.chrome
            .wait("load a page", |heard| self.find(&heard.events[from..], "Page.loadEventFired").next().map(drop));
        self.hold_to_the_rules();
        self
    }

    fn find<'e>(&'e self, events: &'e [Value], method: &'e str) -> impl Iterator<Item = &'e Value> {
        let own = events.iter().filter(move |event| event["sessionId"] == self.session.as_str());
        own.filter(move |event| event["method"] == method).map(|event| &event["params"])
    }

    fn hold_to_the_rules(&self) {
        let url = self.url();
        let language = self.evaluate("document.documentElement.lang", true)["value"].clone();
        assert_eq!(language, self.chrome.language, "the language of {url}");
        let wide = self.evaluate("document.documentElement.scrollWidth > innerWidth", true)["value"].clone();
        assert_eq!(wide, false, "{url} is wider than the window");
        let mut seen = self.seen.lock().unwrap();
        let heard = self.chrome.heard.0.lock().unwrap();
        let events = &heard.events[*seen..];
        *seen = heard.events.len();
        for method in ["Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"] {
            assert!(self.find(events, method).next().is_none(), "{url}: {:?}", self.find(events, method).next());
        }
        for request in self.find(events, "Network.requestWillBeSent") {
            let asked: Url = request["request"]["url"].as_str().unwrap().parse().unwrap();
            let is_here = asked.host_str().is_none_or(|host| host == "localhost" || host.ends_with(".localhost"));
            assert!(is_here, "{url} asks {asked}");
        }
        let is_hosted = url.host_str() == Some("localhost") && !url.path().starts_with("/demo");
        let finished = self.find(events, "Network.loadingFinished");
        let bytes: f64 = finished.filter_map(|it| it["encodedDataLength"].as_f64()).sum();
        #[allow(clippy::cast_precision_loss)]
        let budget = PAGE_BUDGET as f64;
        assert!(!is_hosted || bytes <= budget, "{url} weighs {bytes} bytes");
    }
}
