//! A small table with the seed's awkward names, without a database.

use api_contract::{Oracle, User};

pub const COUNT: usize = 450;

const NAMES: [&str; 12] = [
    "Ada Lovelace",
    "José Müller",
    "O'Brien D'Arc",
    "Anne \"Nan\" \"Q\" Smith",
    "Bob <b>&</b> Tom & Sons",
    "C:\\Temp back\\slash",
    "李 王",
    "محمد الخوارزمي",
    "🦀 Ferris 𝔊auss",
    "Мария Παπαδόπουλος",
    "さくら 山田",
    "Ngô Nguyễn",
];

pub fn users() -> Vec<User> {
    (1..=COUNT).map(user).collect()
}

pub fn oracle() -> Oracle {
    Oracle::from_users(users())
}

fn user(number: usize) -> User {
    User {
        id: id(number),
        email: format!("user{number}@example.com"),
        full_name: NAMES[number % NAMES.len()].to_owned(),
        age: 18 + i32::try_from(number % 82).unwrap(),
        country_code: ["DE", "FR", "JP"][number % 3].to_owned(),
        is_active: !number.is_multiple_of(5),
        created_at: format!("2024-01-{:02}T{:02}:00:59Z", 1 + number % 28, number % 24),
    }
}

/// Spread over the whole range, so that the order by id is not the order by number.
fn id(number: usize) -> String {
    let mut state = u128::try_from(number).unwrap();
    for _ in 0..4 {
        state = state
            .wrapping_mul(0xda94_2042_e4dd_58b5)
            .wrapping_add(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834);
        state ^= state >> 61;
    }
    let hex = format!("{state:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
