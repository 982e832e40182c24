//! A store without a database.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rust_api::{
    model::{Page, User, UserPage},
    store::{Store, Unavailable},
};
use time::{OffsetDateTime, macros::datetime};
use tokio::sync::Semaphore;
use uuid::{Uuid, uuid};

/// The id of the one user that there is.
pub const ID: Uuid = uuid!("0cc175b9-c0f1-b6a8-31c3-99e269772661");
/// That user's body.
pub const USER: &str = concat!(
    r#"{"id":"0cc175b9-c0f1-b6a8-31c3-99e269772661","email":"user1@example.com","#,
    r#""full_name":"Anne \"Nan\" <b>&</b> C:\\Temp 🦀\u0001\n","age":18,"country_code":"DE","#,
    r#""is_active":true,"created_at":"2024-02-29T23:59:59Z"}"#
);

/// One user, and a count of the questions that were asked.
#[derive(Clone)]
pub struct FakeStore {
    pub questions: Arc<AtomicUsize>,
    available: bool,
    /// Questions are answered only as permits allow.
    pub gate: Arc<Semaphore>,
}

impl FakeStore {
    pub fn new() -> Self {
        Self {
            questions: Arc::default(),
            available: true,
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        }
    }

    pub fn unavailable() -> Self {
        Self {
            available: false,
            ..Self::new()
        }
    }

    pub fn closed() -> Self {
        Self {
            gate: Arc::new(Semaphore::new(0)),
            ..Self::new()
        }
    }

    async fn ask(&self) -> Result<(), Unavailable> {
        self.questions.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        self.available.then_some(()).ok_or(Unavailable)
    }
}

fn user() -> User {
    const CREATED: OffsetDateTime = datetime!(2024-02-29 23:59:59 UTC);
    User {
        id: ID,
        email: "user1@example.com".to_owned(),
        full_name: "Anne \"Nan\" <b>&</b> C:\\Temp 🦀\u{1}\n".to_owned(),
        age: 18,
        country_code: "DE".to_owned(),
        is_active: true,
        created_at: CREATED,
    }
}

impl Store for FakeStore {
    async fn ready(&self) -> Result<(), Unavailable> {
        self.ask().await
    }

    async fn user(&self, id: Uuid) -> Result<Option<User>, Unavailable> {
        self.ask().await?;
        Ok((id == ID).then(user))
    }

    async fn users(&self, page: Page) -> Result<UserPage, Unavailable> {
        self.ask().await?;
        Ok(UserPage {
            items: if page.offset == 0 {
                vec![user()]
            } else {
                Vec::new()
            },
            limit: page.limit,
            offset: page.offset,
            total: 1,
        })
    }
}
