//! Expiry by the sweeper without a command, and expiry seen by reads before any sweep: both give the same result.

use std::time::Duration;

use wallet_client::WalletClient;
use wallet_client::v1::{self, EntryKind, ReservationState};
use wallet_server::Config;

use crate::harness::{Server, credits, eventually, video};
use crate::shorthand::{balance, credits_of, entries, gift, kinds, later, reservation, seconds, until};

/// Restarts the server with a sweeper that never runs.
async fn idle(server: Server) -> Server {
    let database = server.database.clone();
    server.stop().await;
    let config = Config { sweep_period: Duration::from_secs(3_600), ..Config::default() };
    Server::start_with(database, config).await
}

/// A wallet of 100 credits, 40 of them in a hold of one second.
async fn short_hold(server: &Server) -> (WalletClient, v1::Reservation) {
    let client = server.wallet("w", 100).await;
    let request =
        v1::ReserveRequest { ttl: Some(seconds(1)), ..v1::ReserveRequest::new("w", "j", video("5")) };
    let held = client.reserve(request).await.unwrap().reservation.unwrap();
    (client, held)
}

/// Waits for the entry that records the expiry.
async fn swept(client: &WalletClient) -> v1::Entry {
    eventually("a sweep happens", async || {
        let last = entries(client, "w").await.pop().unwrap();
        if last.kind() == EntryKind::HoldExpired { Ok(last) } else { Err(last) }
    })
    .await
}

each_database! {
    async fn a_hold_expires_without_a_command_and_the_entry_has_its_due_time(server: Server) {
        let (client, held) = short_hold(&server).await;
        let entry = swept(&client).await;
        assert_eq!((entry.revision, entry.reservation_id.as_str()), (4, "j"));
        assert_eq!(entry.effective_time, held.deadline);
        assert!(
            entry.record_time.map(|t| (t.seconds, t.nanos)) >= held.deadline.map(|t| (t.seconds, t.nanos))
        );
        let expired = reservation(&client, "w", "j").await;
        assert_eq!((expired.state(), expired.finish_revision), (ReservationState::Expired, 4));
        assert_eq!((expired.finish_time, credits_of(&client, "w").await), (held.deadline, (100, 0, 0)));
        assert!(server.verify().await.is_clean());
    }

    async fn before_a_sweep_reads_show_what_it_will_record(server: Server) {
        let server = idle(server).await;
        let (client, held) = short_hold(&server).await;
        until(&client, "w", held.deadline).await;

        let foreseen = (reservation(&client, "w", "j").await, balance(&client, "w").await);
        assert_eq!((foreseen.0.state(), foreseen.0.finish_time), (ReservationState::Expired, held.deadline));
        // Nothing is recorded yet: a cursor at this revision still meets the entry of the expiry.
        assert_eq!((foreseen.1.revision, foreseen.1.version, foreseen.1.open_reservations), (3, 3, 0));
        assert_eq!(credits_of(&client, "w").await, (100, 0, 0));
        let expired = v1::ListReservationsRequest {
            wallet_id: "w".into(),
            states: vec![ReservationState::Expired.into()],
            ..Default::default()
        };
        let listed = client.list_reservations(expired).await.unwrap().reservations;
        assert_eq!(listed.first(), Some(&foreseen.0));
        assert!(!kinds(&client, "w").await.contains(&EntryKind::HoldExpired), "reads write nothing");

        let database = server.database.clone();
        server.stop().await;
        let server = Server::start(database).await;
        let client = server.client().await;
        assert_eq!(swept(&client).await.revision, 4);
        assert_eq!(reservation(&client, "w", "j").await, foreseen.0);
        let now = balance(&client, "w").await;
        assert_eq!((now.balances, now.revision, now.version), (foreseen.1.balances, 4, 4));
    }

    async fn an_expired_grant_is_not_listed_even_before_a_sweep(server: Server) {
        let server = idle(server).await;
        let client = server.wallet("w", 100).await;
        let soon = later(balance(&client, "w").await.read_time, 1);
        client.grant(v1::GrantRequest { expire_time: soon, ..gift("w", "g", credits(9)) }).await.unwrap();
        until(&client, "w", soon).await;
        let listed = |include_closed| {
            client.list_grants(v1::ListGrantsRequest {
                wallet_id: "w".into(),
                include_closed,
                ..Default::default()
            })
        };
        let open = listed(false).await.unwrap().grants;
        assert_eq!((open.len(), open[0].grant_id.as_str()), (1, "top_up:first"));
        let expired = listed(true).await.unwrap().grants.swap_remove(1);
        assert_eq!((expired.available, expired.expired, expired.open), (0, 9, false));
        assert_eq!(kinds(&client, "w").await.last(), Some(&EntryKind::Granted), "reads write nothing");
    }

    async fn a_heartbeat_outruns_the_sweeper(server: Server) {
        let (client, held) = short_hold(&server).await;
        let beat = v1::ExtendRequest {
            wallet_id: "w".into(),
            reservation_id: "j".into(),
            lease: Some(seconds(60)),
            ..Default::default()
        };
        client.extend(beat).await.unwrap();
        // This hold expires later than the first would have: once it is swept, the first was passed over.
        let second = v1::ReserveRequest { ttl: Some(seconds(2)), ..v1::ReserveRequest::new("w", "k", video("5")) };
        client.reserve(second).await.unwrap();
        assert_eq!(swept(&client).await.reservation_id, "k");
        let alive = reservation(&client, "w", "j").await;
        assert_eq!((alive.state(), alive.amounts), (ReservationState::Held, held.amounts));
    }
}
