# Runs as root under the booted systemd. The unit has its own settings in /etc/wallet-server/wallet.toml.
set -eux
config="--config /etc/wallet-server/wallet.toml"

healthy() {
    for try in {1..60}; do
        wallet-server health $config && return
        sleep 0.5
    done
    journalctl --unit wallet-server --no-pager
    return 1
}

systemctl start wallet-server
healthy
test "$(stat --format=%u /var/lib/private/wallet-server/data/wallet.db)" != 0
CREDENTIALS_DIRECTORY=/run/credentials/wallet-server.service wallet-server doctor $config
wallet-server verify $config

# An operator creates the first key, and with it a lock.
systemctl stop wallet-server
rm /var/lib/wallet-server/data/wallet.lock
wallet-server keys create "first key" --scopes all $config --key-pepper-file /etc/wallet-server/key-pepper
systemctl start wallet-server
healthy

# systemd starts a killed server again.
kill -KILL "$(systemctl show --property=MainPID --value wallet-server)"
sleep 3
healthy
test "$(systemctl show --property=NRestarts --value wallet-server)" = 1

systemctl stop wallet-server
test "$(systemctl show --property=Result --value wallet-server)" = success
echo "the unit starts, serves, restarts and stops"
