//! GetReservation: the current state of one reservation.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason, ReservationState};

use crate::harness::video;
use crate::words::{refused, reservation, settle, start};

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
