//! GetReservation: the current state of one reservation.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason, ReservationState};

use crate::harness::{credits, video};
use crate::shorthand::{
    balance, cancel, credits_of, explicit, figures, gift, later, refused, reservation, settle, start, until,
};

fn ask(wallet: &str, job: &str) -> v1::GetReservationRequest {
    v1::GetReservationRequest { wallet_id: wallet.into(), reservation_id: job.into() }
}

each_database! {
    async fn every_command_shows_the_reservation_that_is_read_afterwards(server: Server) {
        let client = server.wallet("w", 100).await;
        let reserved = client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        let read = client.get_reservation(ask("w", "j")).await.unwrap();
        assert_eq!((&read.reservation, read.revision, read.version), (&reserved.reservation, 3, 3));
        assert_eq!(read.reservation.unwrap().state(), ReservationState::Held);

        let started = client.start(start("w", "j", "gpu-1", 1)).await.unwrap();
        assert_eq!(Some(reservation(&client, "w", "j").await), started.reservation);
        let settled = client.settle(settle("w", "j", v1::Succeeded::usage([("duration_s", "4")]))).await.unwrap();
        let read = client.get_reservation(ask("w", "j")).await.unwrap();
        assert_eq!((&read.reservation, read.revision, read.version), (&settled.reservation, 5, 5));
        let read = read.reservation.unwrap();
        assert_eq!((read.state(), read.worker.as_str()), (ReservationState::Settled, "gpu-1"));
    }

    async fn s5_the_effects_of_a_cancel_are_shown_while_the_job_is_open(server: Server) {
        let client = server.wallet("w", 0).await;
        let expire_time = later(balance(&client, "w").await.read_time, 1);
        let brief = v1::GrantRequest { expire_time, ..gift("w", "g", credits(30)) };
        client.grant(brief).await.unwrap();
        client.top_up(v1::TopUpRequest::amount("w", "t", credits(10))).await.unwrap();
        client.reserve(explicit("w", "j", vec![credits(40)])).await.unwrap();
        client.start(start("w", "j", "gpu-1", 1)).await.unwrap();
        until(&client, "w", expire_time).await;
        let shown = client.get_reservation(ask("w", "j")).await.unwrap().if_cancelled.unwrap();
        let shown = [&shown.fees, &shown.returned, &shown.grace, &shown.forfeited].map(|amounts| figures(amounts));
        assert_eq!(shown, ["20 credits", "20 credits", "10 credits", ""], "half of 40 is charged to what has expired");
        let done = client.cancel(cancel("w", "j", v1::CancelReason::User)).await.unwrap().reservation.unwrap();
        assert_eq!((figures(&done.fees), figures(&done.returned)), ("20 credits".into(), "20 credits".into()));
        assert_eq!(credits_of(&client, "w").await, (20, 0, 0));
        let grants = client.list_grants(v1::ListGrantsRequest { wallet_id: "w".into(), ..Default::default() }).await.unwrap();
        let grace = grants.grants.iter().find(|grant| grant.source() == v1::Source::Grace).unwrap();
        assert_eq!((grace.available, grace.stems_from.as_str()), (10, "grant:g"));
        assert_eq!(client.get_reservation(ask("w", "j")).await.unwrap().if_cancelled, None);
        assert!(server.verify().await.is_clean());
    }

    async fn a_missing_reservation_is_not_found(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        server.wallet("v", 100).await;
        for (wallet, id, reason) in [
            ("w", "k", ErrorReason::ReservationNotFound),
            ("v", "j", ErrorReason::ReservationNotFound),
            ("nobody", "j", ErrorReason::WalletNotFound),
        ] {
            let refusal = refused(client.get_reservation(ask(wallet, id)).await, reason, Code::NotFound);
            assert_eq!(refusal.metadata["wallet_id"], wallet);
        }
    }
}
