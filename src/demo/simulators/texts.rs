//! The words of the simulators' own pages. They belong to the other side of the wire, so they are not among the
//! deployment's texts.

use super::call::Call;
use axum::http::header;

/// A language the pages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lang {
    Ko,
    En,
    Ja,
}

impl Lang {
    /// The request's language: the one the application names, else the browser's, else English.
    pub(super) fn of(call: &Call) -> Self {
        let named = ["ui_locales", "hl", "lang", "locale"].into_iter().find_map(|name| call.query(name));
        named
            .and_then(|tags| tags.split([' ', ',']).find_map(Self::from_tag))
            .or_else(|| call.header(header::ACCEPT_LANGUAGE).and_then(Self::preferred))
            .unwrap_or(Self::En)
    }

    fn from_tag(tag: &str) -> Option<Self> {
        match tag.trim().split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
            "ko" => Some(Self::Ko),
            "en" => Some(Self::En),
            "ja" => Some(Self::Ja),
            _ => None,
        }
    }

    fn preferred(accept_language: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for range in accept_language.split(',') {
            let (tag, quality) = range.split_once(";q=").unwrap_or((range, "1"));
            let quality = quality.trim().parse().unwrap_or(0.0);
            if let Some(lang) = Self::from_tag(tag).filter(|_| best.is_none_or(|(highest, _)| quality > highest)) {
                best = Some((quality, lang));
            }
        }
        best.map(|(_, lang)| lang)
    }

    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Ko => "ko",
            Self::En => "en",
            Self::Ja => "ja",
        }
    }

    /// The word of a Korean, English, Japanese triple.
    pub(super) const fn pick(self, [ko, en, ja]: [&'static str; 3]) -> &'static str {
        match self {
            Self::Ko => ko,
            Self::En => en,
            Self::Ja => ja,
        }
    }

    pub(super) const fn texts(self) -> &'static Texts {
        match self {
            Self::Ko => &KO,
            Self::En => &EN,
            Self::Ja => &JA,
        }
    }
}

/// The words of all pages.
pub(super) struct Texts {
    pub(super) simulator: &'static str,
    pub(super) simulator_note: &'static str,
    pub(super) sign_in: &'static str,
    pub(super) choose: &'static str,
    pub(super) no_email: &'static str,
    pub(super) cancel: &'static str,
    pub(super) resume: &'static str,
    pub(super) switch: &'static str,
    pub(super) consent: &'static str,
    pub(super) consent_lead: &'static str,
    pub(super) required: &'static str,
    pub(super) optional: &'static str,
    pub(super) allow: &'static str,
    pub(super) share_email: &'static str,
    pub(super) hide_email: &'static str,
    pub(super) going_back: &'static str,
    pub(super) go_on: &'static str,
    pub(super) error: &'static str,
    pub(super) signed_in_as: &'static str,
    pub(super) signed_out: &'static str,
    pub(super) sign_out: &'static str,
}

const KO: Texts = Texts {
    simulator: "시뮬레이터",
    simulator_note: "시연용 모의 화면입니다. 실제 서비스와 관련이 없습니다.",
    sign_in: "로그인",
    choose: "사용할 테스트 계정을 선택하세요",
    no_email: "이메일 없음",
    cancel: "취소",
    resume: "계속하기",
    switch: "다른 계정 사용",
    consent: "동의하고 계속하기",
    consent_lead: "아래 정보가 다음 앱에 제공됩니다:",
    required: "필수",
    optional: "선택",
    allow: "동의하고 계속하기",
    share_email: "이메일 공유하기",
    hide_email: "이메일 가리기",
    going_back: "앱으로 돌아가는 중…",
    go_on: "계속",
    error: "요청을 처리할 수 없습니다",
    signed_in_as: "로그인된 계정",
    signed_out: "로그인되어 있지 않습니다.",
    sign_out: "로그아웃",
};

const EN: Texts = Texts {
    simulator: "simulator",
    simulator_note: "A stand-in for demonstrations. Not connected with the real service.",
    sign_in: "Sign in",
    choose: "Choose a test account",
    no_email: "no email",
    cancel: "Cancel",
    resume: "Continue",
    switch: "Use another account",
    consent: "Allow and continue",
    consent_lead: "This will be shared with the app:",
    required: "required",
    optional: "optional",
    allow: "Allow and continue",
    share_email: "Share my email",
    hide_email: "Hide my email",
    going_back: "Going back to the app…",
    go_on: "Continue",
    error: "The request cannot be handled",
    signed_in_as: "Signed in as",
    signed_out: "Nobody is signed in.",
    sign_out: "Sign out",
};

const JA: Texts = Texts {
    simulator: "シミュレーター",
    simulator_note: "デモ用の模擬画面です。実際のサービスとは関係ありません。",
    sign_in: "ログイン",
    choose: "テスト用アカウントを選択してください",
    no_email: "メールアドレスなし",
    cancel: "キャンセル",
    resume: "続ける",
    switch: "別のアカウントを使う",
    consent: "同意して続ける",
    consent_lead: "次の情報がアプリに提供されます：",
    required: "必須",
    optional: "任意",
    allow: "同意して続ける",
    share_email: "メールを共有",
    hide_email: "メールを非公開",
    going_back: "アプリに戻っています…",
    go_on: "続ける",
    error: "リクエストを処理できません",
    signed_in_as: "ログイン中のアカウント",
    signed_out: "ログインしていません。",
    sign_out: "ログアウト",
};
