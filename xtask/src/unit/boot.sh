# Runs as the first process of new namespaces: makes a root folder above that of this machine, which stays as it is, and starts
# systemd there. Arguments: the binary, the folder with drill.sh, which gets drill.log, and a free port.
set -eu
binary=$1 folder=$2 port=$3 layer=$2/layer

mount --make-rprivate /
mkdir "$layer"
mount -t tmpfs tmpfs "$layer"
mkdir "$layer"/{changes,work,root}
mount -t overlay -o "lowerdir=/,upperdir=$layer/changes,workdir=$layer/work" overlay "$layer/root"
cd "$layer/root"

# As in a container: the kernel's settings are read-only, and the devices are few.
mount -t proc proc proc
mount -o bind,ro proc/sys proc/sys
mount --rbind /sys sys
mount -o remount,bind,ro sys
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    touch dev/$device
    mount --bind /dev/$device dev/$device
done
mkdir dev/shm dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t devpts devpts dev/pts
ln -s pts/ptmx dev/ptmx
mkdir -p drill old
mount --bind "$folder" drill
: >etc/fstab
: >etc/machine-id

rm -rf var/lib/wallet-server var/lib/private/wallet-server
install "$binary" usr/bin/wallet-server
install -m 644 "$folder/wallet-server.service" etc/systemd/system/wallet-server.service
mkdir -p etc/wallet-server etc/systemd/system/wallet-server.service.d
cat >etc/wallet-server/wallet.toml <<END
listen = "127.0.0.1:$port"
database_url = "sqlite:///var/lib/wallet-server/data/wallet.db"
key_pepper_file = "key-pepper"
END
(umask 077 && od -An -tx1 -N32 /dev/urandom | tr -d ' \n' >etc/wallet-server/key-pepper)
cat >etc/systemd/system/wallet-server.service.d/secrets.conf <<END
[Service]
LoadCredential=key-pepper:/etc/wallet-server/key-pepper
END
cat >etc/systemd/system/drill.service <<END
[Unit]
Requires=basic.target
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/bash /drill/drill.sh
StandardOutput=file:/drill/drill.log
StandardError=file:/drill/drill.log
TimeoutStartSec=100
ExecStopPost=/bin/systemctl --no-block exit
END
cat >etc/systemd/system/drill.target <<END
[Unit]
Requires=drill.service
END
# Services of the machine itself.
for unit in systemd-{udevd,udev-trigger,modules-load,sysctl,binfmt,random-seed,timesyncd,remount-fs,networkd,resolved}; do
    ln -sf /dev/null "etc/systemd/system/$unit.service"
done

pivot_root . old
cd /
umount -l /old
# systemd puts credentials into the namespace of the service through shared mounts.
mount --make-rshared /
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=drill.target
