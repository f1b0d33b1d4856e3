//! The PostgreSQL of the run.

#[path = "../../src/store/private_postgres/mod.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod private_postgres;

pub struct Postgres {
    url: String,
}

impl Postgres {
    pub fn start() -> Self {
        let shared = private_postgres::PrivatePostgres::shared().expect("postgres");
        Self { url: shared.create_database() }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}
