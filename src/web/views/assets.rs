//! The static files of the pages, part of the binary.

/// A static file.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its path below `/static/`.
    pub path: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// Its content.
    pub content: &'static str,
}

const SVG: &str = "image/svg+xml";

macro_rules! icon {
    ($path:literal) => {
        Asset { path: $path, content_type: SVG, content: include_str!(concat!("../../../static/", $path)) }
    };
}

/// Every static file the pages refer to.
pub const ASSETS: &[Asset] = &[
    Asset {
        path: "css/comity.css",
        content_type: "text/css; charset=utf-8",
        content: include_str!("../../../static/css/comity.css"),
    },
    Asset {
        path: "js/submit.js",
        content_type: "text/javascript; charset=utf-8",
        content: include_str!("../../../static/js/submit.js"),
    },
    icon!("icons/comity.svg"),
    icon!("connectors/apple.svg"),
    icon!("connectors/facebook.svg"),
    icon!("connectors/generic_oauth2.svg"),
    icon!("connectors/generic_oidc.svg"),
    icon!("connectors/github.svg"),
    icon!("connectors/google.svg"),
    icon!("connectors/kakao.svg"),
    icon!("connectors/line.svg"),
    icon!("connectors/microsoft.svg"),
    icon!("connectors/naver.svg"),
];
