//! What arrived in somebody's mailbox.

use comity::mail::Message;

use super::World;

impl World {
    /// The latest mail to an address.
    pub fn mail_to(&self, address: &str) -> Message {
        self.app().mail_sink().unwrap().latest_to(address).unwrap_or_else(|| panic!("no mail to {address}"))
    }

    /// How many mails an address got.
    pub fn mails_to(&self, address: &str) -> usize {
        self.app().mail_sink().unwrap().messages().iter().filter(|message| message.to == address).count()
    }

    /// The six digits of the latest mail to an address.
    pub fn code_mailed_to(&self, address: &str) -> String {
        let mail = self.mail_to(address);
        let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
        mail.text.split_whitespace().find(is_code).expect("a code in the mail").to_owned()
    }

    /// The link of the latest mail to an address.
    pub fn link_mailed_to(&self, address: &str) -> String {
        let mail = self.mail_to(address);
        let link = mail.text.split_whitespace().find(|word| word.contains("/sign-in/link?token="));
        link.expect("a link in the mail").to_owned()
    }
}

/// Six digits that are not these.
pub fn another_code(code: &str) -> String {
    let digit = |digit: char| if digit == '9' { '0' } else { char::from(digit as u8 + 1) };
    code.chars().map(digit).collect()
}
