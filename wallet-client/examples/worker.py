"""A generation worker in plain Python: `python worker.py [host:port]`. For its stubs see ../README.md."""
import os, sys, uuid
import grpc
from wallet.v1 import admin_service_pb2 as admin, admin_service_pb2_grpc as admin_rpc
from wallet.v1 import operation_pb2, reservation_pb2 as res, wallet_service_pb2 as w, wallet_service_pb2_grpc as w_rpc

# Every call carries its own id, so gRPC may retry it safely.
RETRIES = """{"methodConfig": [{"name": [{}], "timeout": "10s", "retryPolicy": {"maxAttempts": 5, "backoffMultiplier": 2,
    "initialBackoff": "0.1s", "maxBackoff": "2s", "retryableStatusCodes": ["UNAVAILABLE"]}}]}"""
target = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("WALLET_ENDPOINT", "127.0.0.1:50051")
channel = grpc.insecure_channel(target.removeprefix("http://"), options=[("grpc.service_config", RETRIES)])
wallets, rpc = admin_rpc.AdminServiceStub(channel), w_rpc.WalletServiceStub(channel)

job = dict(wallet_id=f"py-{uuid.uuid4()}", reservation_id="job-1")
wallet = dict(wallet_id=job["wallet_id"])
wallets.CreateWallet(admin.CreateWalletRequest(**wallet))
rpc.TopUp(w.TopUpRequest(**wallet, top_up_id="order-1", amount=dict(unit="credits", amount=100)))
video = operation_pb2.Operation(kind="video.generate", quantities=dict(duration_s="5"),
                                attributes=dict(model="standard", resolution="720p"))
held = rpc.Reserve(w.ReserveRequest(**job, operation=video)).reservation
rpc.Start(w.StartRequest(**job, start=dict(worker="gpu-1", lease=dict(seconds=60))))
if rpc.Extend(w.ExtendRequest(**job, attempt=1)).state != res.RESERVATION_STATE_PROCESSING:  # every 20 s of the job
    sys.exit("cancelled: stop the GPU")
done = rpc.Settle(w.SettleRequest(**job, attempt=1, succeeded=dict(usage=dict(quantities=dict(duration_s="4")))))
print(f"reserved {held.amounts[0].display}, charged {done.reservation.charged[0].display}")
print(f"balance {rpc.GetBalance(w.GetBalanceRequest(**wallet)).balances[0].available.display}")
