//! What takes more than one command and still happens in one step.

use redis::Cmd;

/// A script with the digest servers know it by.
pub(super) struct Script {
    text: &'static str,
    hash: String,
}

/// A script with what it is run on: always one key.
pub(super) struct Call<'a> {
    script: &'a Script,
    key: &'a str,
    arguments: Vec<Vec<u8>>,
}

/// Writes unless a live record is there.
pub(super) const PUT_NEW: &str = r"
local held = redis.call('GET', KEYS[1])
if held and tonumber(string.match(held, '^(%-?%d+)|')) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1";

/// Writes in place of a live record, which keeps its end of life.
pub(super) const REPLACE: &str = r"
local held = redis.call('GET', KEYS[1])
if not held then return 0 end
local expires_at = string.match(held, '^(%-?%d+)|')
if tonumber(expires_at) <= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], expires_at .. '|' .. ARGV[2], 'KEEPTTL')
return 1";

/// Adds one within a window.
pub(super) const COUNT: &str = r"
local held = redis.call('GET', KEYS[1])
if held then
  local expires_at, sum = string.match(held, '^(%-?%d+)|(%d+)$')
  if tonumber(expires_at) > tonumber(ARGV[1]) then
    sum = string.format('%d', tonumber(sum) + 1)
    redis.call('SET', KEYS[1], expires_at .. '|' .. sum, 'KEEPTTL')
    return tonumber(sum)
  end
end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1";

impl Script {
    /// A script of this text.
    pub(super) fn new(text: &'static str) -> Self {
        Self { text, hash: redis::Script::new(text).get_hash().to_owned() }
    }

    /// The script on a key.
    pub(super) fn on<'a>(&'a self, key: &'a str, arguments: impl IntoIterator<Item = Vec<u8>>) -> Call<'a> {
        Call { script: self, key, arguments: arguments.into_iter().collect() }
    }
}

impl Call<'_> {
    /// The command for a server that knows the script.
    pub(super) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", &self.script.hash)
    }

    /// The command for one that does not, and knows it from then on.
    pub(super) fn by_text(&self) -> Cmd {
        self.command("EVAL", self.script.text)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(1).arg(self.key);
        for argument in &self.arguments {
            command.arg(argument.as_slice());
        }
        command
    }
}
