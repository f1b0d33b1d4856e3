//! Where everything of the stage is reached: one port, told apart by host name.

/// The addresses of one running demo.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    port: u16,
}

/// The port the files in `config/` are written for.
const WRITTEN_PORT: &str = ":8080";

impl Addresses {
    pub(super) const fn new(port: u16) -> Self {
        Self { port }
    }

    /// The issuer, which is also where the stage lives.
    pub fn issuer(self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// The stage itself.
    pub fn stage(self) -> String {
        format!("{}/demo", self.issuer())
    }

    /// A host of the stage by its first label, e.g. `shop`; without a trailing slash.
    pub fn origin(self, name: &str) -> String {
        format!("http://{name}.localhost:{}", self.port)
    }

    /// A text written for the usual port, for this one.
    pub(super) fn rewritten(self, text: &str) -> String {
        text.replace(WRITTEN_PORT, &format!(":{}", self.port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_follow_the_port() {
        let addresses = Addresses::new(4711);
        assert_eq!(addresses.rewritten("a http://kakao.localhost:8080/x b"), "a http://kakao.localhost:4711/x b");
        assert_eq!(addresses.origin("shop"), "http://shop.localhost:4711");
        assert_eq!(addresses.stage(), "http://localhost:4711/demo");
    }
}
