//! The log lines of a lane.

use http::{HeaderValue, Uri};

use super::cancelled::{Kind, World, command, wallet};
use super::{Database, queued_with_answers};
use crate::call_name::{CallName, RequestId};
use crate::memory_log::MemoryLog;
use crate::store::tamper;

#[tokio::test]
async fn a_line_about_a_command_names_wallet_command_and_request_id() {
    let database = Database::sqlite();
    let mut world = World::open(&database).await;
    world.prepare(Kind::Settle, "log").await;
    let wallet = wallet(Kind::Settle, "log");
    let corrupt = format!("UPDATE wallet_profiles SET profile = 'x' WHERE wallet_id = '{wallet}'");
    tamper(world.lane.runner.connection.raw(), &corrupt).await;

    let (log, _logging) = MemoryLog::of_this_thread();
    let call = CallName::new(
        Uri::from_static("/wallet/Settle"),
        RequestId::OfCaller(HeaderValue::from_static("call-7")),
        None,
    );
    let (queued, _answers) =
        call.scope(async { queued_with_answers(&[(wallet.clone(), command(Kind::Settle))]) }).await;
    world.lane.runner.answer(queued).await;

    let line = log.lines("a wallet is unreadable").pop().expect("the line");
    let [call, command] = [&line["spans"][0], &line["spans"][1]];
    assert_eq!((&call["name"], &call["request_id"]), (&"rpc".into(), &"call-7".into()), "{line}");
    assert_eq!(command["wallet"], wallet.as_str(), "{line}");
    assert_eq!(command["kind"], "Settle", "{line}");
    let error = line["fields"]["error"].as_str().unwrap();
    assert!(error.starts_with("a row cannot be decoded: "), "{error}");
}

#[tokio::test]
async fn a_wallet_that_becomes_unreadable_again_is_logged_again() {
    let database = Database::sqlite();
    let mut world = World::open(&database).await;
    world.prepare(Kind::TopUp, "log").await;
    let wallet = wallet(Kind::TopUp, "log");
    let condition = format!("WHERE wallet_id = '{wallet}'");
    let (log, _logging) = MemoryLog::of_this_thread();
    for times in 1..=2 {
        let runner = &mut world.lane.runner;
        for change in ["SET profile = profile || 'x'", "SET profile = rtrim(profile, 'x')"] {
            tamper(runner.connection.raw(), &format!("UPDATE wallet_profiles {change} {condition}")).await;
            for _ in 0..2 {
                let (queued, _answers) = queued_with_answers(&[(wallet.clone(), command(Kind::TopUp))]);
                runner.answer(queued).await;
            }
        }
        assert_eq!(log.lines("a wallet is unreadable").len(), times);
    }
}
