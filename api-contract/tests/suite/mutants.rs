//! Each mutant is caught, by the case that is there for it.

use std::collections::BTreeSet;
use std::time::Duration;

use api_contract::{Report, Subject, Suite, run};

use crate::fake::{Fake, Mutant};
use crate::users::{oracle, users};

fn check(mutant: Mutant, suite: &Suite) -> Report {
    let fake = Fake::start(users(), mutant);
    let mut subject = Subject::new("fake", fake.address);
    // Short only where waiting is the point of the mutant.
    let patience = if mutant == Mutant::NoKeepAliveEnd {
        200
    } else {
        1500
    };
    subject.timeout = Duration::from_millis(patience);
    run(suite, &subject, &oracle()).unwrap()
}

fn failed(report: &Report) -> BTreeSet<String> {
    report
        .failed()
        .map(|case| format!("{} / {}", case.rule, case.case))
        .collect()
}

/// Mutants that are wrong everywhere: that some case fails says little about the case.
const BLUNT: &[(Mutant, &[&str])] = &[
    (
        Mutant::ByteMissing,
        &[
            "healthz / plain",
            "user.found / first of the seed",
            "paths.unknown / root",
        ],
    ),
    (
        Mutant::NewlineAtEnd,
        &[
            "healthz / plain",
            "users.page / defaults",
            "user.not-a-uuid / word",
        ],
    ),
    (
        Mutant::NewlineAfterEnd,
        &["connection.close / page", "healthz / plain"],
    ),
    (
        Mutant::Charset,
        &[
            "healthz / plain",
            "user.found / first of the seed",
            "paths.unknown / root",
        ],
    ),
    (
        Mutant::Chunked,
        &["users.page / defaults", "healthz / plain"],
    ),
    (
        Mutant::SpacesInJson,
        &[
            "user.found / first of the seed",
            "users.page / defaults",
            "paths.unknown / root",
        ],
    ),
    (Mutant::ETag, &["user.found / first of the seed"]),
    (Mutant::PoweredBy, &["healthz / plain"]),
    (Mutant::Http10, &["healthz / plain"]),
    (Mutant::TwoContentLengths, &["healthz / plain"]),
    (
        Mutant::AllowEverywhere,
        &["healthz / plain", "paths.unknown / root"],
    ),
    (
        Mutant::HeadWithBody,
        &["healthz / plain", "users.page / defaults"],
    ),
    (
        Mutant::HeadLengthZero,
        &[
            "healthz / plain",
            "users.page / defaults",
            "paths.unknown / root",
        ],
    ),
    (Mutant::NoContentLength, &["healthz / plain"]),
    (
        Mutant::HeadNotAllowed,
        &[
            "healthz / plain",
            "readyz / plain",
            "user.found / first of the seed",
        ],
    ),
    (Mutant::ClosesAlways, &["connection.reuse / one connection"]),
    (
        Mutant::KeysSorted,
        &["user.found / first of the seed", "users.page / defaults"],
    ),
    (
        Mutant::OffsetInsteadOfZ,
        &["user.found / first of the seed", "users.page / defaults"],
    ),
    (Mutant::Fraction, &["user.found / first of the seed"]),
];

/// Mutants that are wrong at one place, and the cases made for it.
const SHARP: &[(Mutant, &[&str])] = &[
    (
        Mutant::EscapesHtml,
        &[
            "user.names / each name of the seed once",
            "users.page / defaults",
        ],
    ),
    (
        Mutant::EscapesNonAscii,
        &["user.names / each name of the seed once"],
    ),
    (
        Mutant::IdAsAsked,
        &[
            "user.found.spelling / capitals",
            "user.found.spelling / changing case",
        ],
    ),
    (
        Mutant::OrderedByNumber,
        &["users.page / defaults", "users.page / both"],
    ),
    (
        Mutant::TotalOfPage,
        &[
            "users.page / limit only",
            "users.page.end / just past the end",
        ],
    ),
    (
        Mutant::LastRowMissing,
        &["users.page.end / last row", "users.page.end / short page"],
    ),
    (
        Mutant::TextPlain404,
        &["paths.unknown / word", "user.unknown / some id"],
    ),
    (
        Mutant::AllowMissing,
        &[
            "methods.refused.users / plain",
            "methods.refused.healthz / plain",
            "methods.refused.readyz / plain",
            "methods.refused.with-body / JSON",
            "connection.preflight / preflight",
        ],
    ),
    (Mutant::AllowGetOnly, &["methods.refused.user / known id"]),
    (Mutant::AllowOtherOrder, &["methods.refused.users / plain"]),
    (
        Mutant::RedirectsSlash,
        &[
            "paths.slashes / users, slash last",
            "paths.slashes / healthz, slash last",
            "methods.unknown-path / users, slash last",
        ],
    ),
    (
        Mutant::IgnoresLastSlash,
        &[
            "paths.slashes / users, slash last",
            "paths.slashes / user, slash last",
        ],
    ),
    (
        Mutant::MergesSlashes,
        &[
            "paths.slashes / users, two slashes first",
            "paths.slashes / two slashes inside",
        ],
    ),
    (
        Mutant::IgnoresCase,
        &[
            "paths.case / Users",
            "paths.case / userS with an id",
            "methods.unknown-path / other case",
        ],
    ),
    (
        Mutant::ResolvesDots,
        &[
            "paths.dots.other / up and down",
            "paths.dots.other / dot before",
            "paths.dots.id / two",
        ],
    ),
    (
        Mutant::DecodesBeforeSplitting,
        &[
            "paths.encoded-slash.other / instead of the slash",
            "paths.encoded-slash.id / inside",
        ],
    ),
    (
        Mutant::DecodesNotAtAll,
        &[
            "user.found.spelling / percent-encoded id",
            "user.found.spelling / percent-encoded route",
            "healthz / percent-encoded letter",
            "users.page / percent-encoded route",
        ],
    ),
    (
        Mutant::DecodesTwice,
        &["user.not-a-uuid / doubly encoded id is decoded once"],
    ),
    (Mutant::FrameworkNotFound, &["paths.unknown / word"]),
    (
        Mutant::ServesDocs,
        &["paths.unknown / framework's documentation"],
    ),
    (
        Mutant::Status422,
        &["user.not-a-uuid / word", "paths.encoded-slash.id / alone"],
    ),
    (Mutant::IdWithoutHyphens, &["user.not-a-uuid / no hyphens"]),
    (Mutant::IdInBraces, &["user.not-a-uuid / braces"]),
    (Mutant::IdUrn, &["user.not-a-uuid / urn"]),
    (
        Mutant::IdTrimmed,
        &[
            "user.not-a-uuid / space before",
            "user.not-a-uuid / new line after",
        ],
    ),
    (
        Mutant::IdCaseSensitive,
        &[
            "user.found.spelling / capitals",
            "user.unknown / max in capitals",
        ],
    ),
    (
        Mutant::IdAnyLength,
        &[
            "user.not-a-uuid / too short",
            "user.not-a-uuid / hyphens at other places",
        ],
    ),
    (
        Mutant::MethodAfterId,
        &["methods.refused.user / not a UUID"],
    ),
    (
        Mutant::MethodAfterQuery,
        &["methods.refused.users / bad query"],
    ),
    (
        Mutant::Options204,
        &[
            "methods.refused.users / plain",
            "connection.preflight / preflight",
        ],
    ),
    (Mutant::MethodBeforePath, &["methods.unknown-path / word"]),
    (
        Mutant::PostReadsJson,
        &["methods.refused.with-body / broken JSON"],
    ),
    (
        Mutant::Underscores,
        &[
            "users.limit.refused / underscore",
            "users.offset.refused / underscore",
        ],
    ),
    (
        Mutant::Trims,
        &[
            "users.limit.refused / space before",
            "users.limit.refused / plus sign, which is a space here",
        ],
    ),
    (
        Mutant::PlusSign,
        &["users.limit.refused / encoded plus sign"],
    ),
    (
        Mutant::PlusIsPlus,
        &["users.limit.refused / plus sign, which is a space here"],
    ),
    (
        Mutant::UnicodeDigits,
        &[
            "users.limit.refused / Arabic-Indic digit",
            "users.limit.refused / full-width digit",
        ],
    ),
    (Mutant::Hexadecimal, &["users.limit.refused / hexadecimal"]),
    (
        Mutant::Exponent,
        &[
            "users.limit.refused / exponent",
            "users.offset.refused / exponent",
        ],
    ),
    (
        Mutant::LineEndAfter,
        &["users.limit.refused / new line after"],
    ),
    (
        Mutant::Clamps,
        &[
            "users.limit.refused / one past the largest",
            "users.limit.refused / zero",
        ],
    ),
    (Mutant::ZeroLimit, &["users.limit.refused / zero"]),
    (
        Mutant::NegativeIsZero,
        &[
            "users.offset.refused / negative",
            "users.limit.refused / negative",
        ],
    ),
    (
        Mutant::WrapsAround,
        &[
            "users.limit.refused / 64 bits plus 50",
            "users.offset.refused / two to the 64",
        ],
    ),
    (
        Mutant::Offset32,
        &[
            "users.page.end / past 32 bits",
            "users.page.end / largest offset",
        ],
    ),
    (
        Mutant::NoLeadingZeros,
        &["users.number.accepted / leading zero"],
    ),
    (
        Mutant::LengthLimited,
        &[
            "users.number.accepted / leading zeros past every fixed width",
            "users.number.accepted / five thousand leading zeros",
        ],
    ),
    (
        Mutant::EmptyIsDefault,
        &[
            "users.value.missing / limit empty",
            "users.value.missing / offset without equals sign",
        ],
    ),
    (
        Mutant::LastWins,
        &[
            "users.key.repeated / limit twice",
            "users.key.repeated / limit twice, the same",
        ],
    ),
    (
        Mutant::Semicolons,
        &[
            "users.pairs.semicolon / between two good pairs",
            "users.pairs / semicolon makes another key",
        ],
    ),
    (
        Mutant::StrictEscapes,
        &[
            "users.malformed.ignored / invalid escape in a key",
            "users.malformed.ignored / key that is not UTF-8",
        ],
    ),
    (
        Mutant::LossyUtf8,
        &[
            "users.value.escapes / percent sign after the number",
            "users.value.escapes / not UTF-8 after the number",
        ],
    ),
    (Mutant::RefusesUnknown, &["users.key.unknown / unknown key"]),
    (Mutant::KeysIgnoreCase, &["users.key.unknown / capitals"]),
    (
        Mutant::KeysNotDecoded,
        &[
            "users.key.encoded / one letter of limit",
            "users.key.encoded / all of offset",
        ],
    ),
    (
        Mutant::QueryDecodesTwice,
        &[
            "users.key.unknown / doubly encoded key is decoded once",
            "users.value.escapes / encoded percent sign",
        ],
    ),
    (Mutant::QueryEverywhere, &["readyz / query is ignored"]),
    (Mutant::ReadyLikeHealth, &["readyz / plain"]),
    (
        Mutant::ClosesAfter404,
        &["connection.reuse / one connection", "paths.unknown / root"],
    ),
    (
        Mutant::IgnoresBodies,
        &["connection.get-body / one connection"],
    ),
    (Mutant::NoKeepAliveEnd, &["connection.close / page"]),
    (Mutant::Ranges, &["connection.request-headers / Range"]),
    (
        Mutant::NotModified,
        &["connection.request-headers / If-None-Match"],
    ),
    (Mutant::Compresses, &["users.page / defaults"]),
    (Mutant::Cors, &["connection.request-headers / Origin"]),
    (
        Mutant::Overrides,
        &["connection.request-headers / method override"],
    ),
    (
        Mutant::Negotiates,
        &["connection.request-headers / Accept of something else"],
    ),
    (Mutant::BadEscape404, &["paths.invalid-escape / letters"]),
];

#[test]
fn a_right_service_passes_everything() {
    for suite in [Suite::quick(), Suite::standard(), Suite::thorough()] {
        let report = check(Mutant::None, &suite);
        assert!(report.passed(), "{}", report.render());
        assert_eq!(report.first_difference(), None);
    }
}

#[test]
fn every_mutant_is_caught_by_its_cases() {
    let mut missed = Vec::new();
    for (mutant, expected) in BLUNT.iter().chain(SHARP) {
        // It sleeps after every closed connection: one rule is enough.
        let suite = if *mutant == Mutant::NoKeepAliveEnd {
            Suite::standard().only("connection.close")
        } else {
            Suite::standard()
        };
        let failed = failed(&check(*mutant, &suite));
        for case in *expected {
            if !failed.contains(*case) {
                missed.push(format!("{mutant:?}: passed `{case}`, failed {failed:?}"));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_rule_is_broken_by_a_mutant_made_for_it() {
    let mut broken = BTreeSet::new();
    for (_, expected) in SHARP {
        broken.extend(
            expected
                .iter()
                .map(|case| case.split(" / ").next().unwrap()),
        );
    }
    broken.insert("user.found"); // by `KeysSorted`, which is in every user
    let rules: BTreeSet<&str> = Suite::standard()
        .rules()
        .map(|rule| rule.name.as_str())
        .collect();
    assert_eq!(
        rules.difference(&broken).collect::<Vec<_>>(),
        Vec::<&&str>::new()
    );
}

#[test]
fn a_sharp_mutant_leaves_most_of_the_suite_alone() {
    let all = Suite::standard().cases(&oracle()).unwrap().len();
    for mutant in [
        Mutant::Underscores,
        Mutant::IdUrn,
        Mutant::ServesDocs,
        Mutant::MethodAfterId,
        Mutant::Semicolons,
    ] {
        let report = check(mutant, &Suite::standard());
        let failed = failed(&report);
        assert!(failed.len() * 20 < all, "{mutant:?}: {failed:?}");
    }
}

#[test]
fn only_the_thorough_suite_sees_every_row() {
    assert!(check(Mutant::OneUserWrong, &Suite::standard()).passed());
    let report = check(Mutant::OneUserWrong, &Suite::thorough());
    assert_eq!(
        failed(&report).into_iter().collect::<Vec<_>>(),
        ["user.names / every user"]
    );
}

#[test]
fn the_quick_suite_sees_what_ruins_a_measurement() {
    for mutant in [
        Mutant::ByteMissing,
        Mutant::Charset,
        Mutant::Chunked,
        Mutant::OrderedByNumber,
        Mutant::TotalOfPage,
        Mutant::Compresses,
        Mutant::Status422,
        Mutant::AllowMissing,
    ] {
        let report = check(mutant, &Suite::quick());
        assert!(!report.passed(), "{mutant:?}");
    }
}

#[test]
fn nobody_listening_is_a_result() {
    let address = {
        let fake = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        fake.local_addr().unwrap()
    };
    let report = run(&Suite::quick(), &Subject::new("nobody", address), &oracle()).unwrap();
    assert!(!report.passed());
    assert_eq!(report.failed().count(), report.cases.len());
    assert!(
        report
            .first_difference()
            .unwrap()
            .contains("cannot connect")
    );
}

#[test]
fn a_selection_without_cases_does_not_pass() {
    let report = check(Mutant::None, &Suite::standard().only("no such rule"));
    assert!(!report.passed());
}
