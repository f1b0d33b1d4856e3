//! The text of a document in force, in the language of the page.

use axum::extract::Path;
use axum::response::Response;

use crate::web::error::Failure;
use crate::web::headers::{self, FormTargets};
use crate::web::paths;
use crate::web::views::{Document, ErrorKind, Template};
use crate::web::visit::Visit;

/// Shows it to whoever asks: terms are read before there is an account.
pub async fn show(Path(id): Path<String>, visit: Visit) -> Result<Response, Failure> {
    let web = visit.web.clone();
    let policy = web.accounts.policy();
    let Some(document) = policy.documents.iter().find(|document| document.id == id) else {
        return Err(Failure::Page(ErrorKind::NotFound));
    };
    let html = {
        let page = visit.page(None);
        let (title, body) = document.in_locale(&visit.locale, &policy.locale);
        // On the way through a transaction it opens beside the page that asks for it.
        let back = (visit.session.is_some() && visit.query.get("txn").is_none()).then_some(paths::ACCOUNT);
        Document { page: &page, title, version: document.version, effective: None, body, back }.render()?
    };
    Ok(visit.send(headers::page(html, &FormTargets::own(), web.secure)))
}
