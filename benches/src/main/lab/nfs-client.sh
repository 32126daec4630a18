#!/bin/bash
# The first process of the user-mode Linux that is benches/compare's NFS client: mounts the export, runs a group of workloads on it,
# and switches off. Its root is the root of the machine it runs on. The kernel's command line names the file with its settings.
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/nonexistent LC_ALL=C
trap 'echo o >/proc/sysrq-trigger; sleep 5' EXIT
mount -t proc proc /proc
mount -t sysfs sys /sys
# This kernel's own /dev hides what of the machine's is below it.
mkdir -p /dev/shm
mount -t hostfs -o /dev/shm none /dev/shm
settings=$(sed -n 's/.*compare_settings=\([^ ]*\).*/\1/p' /proc/cmdline)
# shellcheck source=/dev/null
. "$settings"
# shellcheck disable=SC2154 # the settings are what peers.sh writes
exec >>"$log" 2>&1

modules=/usr/lib/uml/modules/$(uname -r)/kernel
for module in net/sunrpc/sunrpc fs/netfs/netfs fs/fscache/fscache fs/nfs_common/grace fs/lockd/lockd fs/nfs/nfs \
  net/dns_resolver/dns_resolver fs/nfs/nfsv4; do
  insmod "$modules/$module.ko" || echo "the module $module did not load"
done

ip link set lo up
ip addr add 10.78.0.2/24 dev vec0
ip link set vec0 up
ip route add default via 10.78.0.1
echo 4096 131072 6291456 >/proc/sys/net/ipv4/tcp_rmem
echo 4096 16384 4194304 >/proc/sys/net/ipv4/tcp_wmem

# shellcheck disable=SC2154
{
  mount -t tmpfs none "$private"
  mkdir "$private/mount"
  begin=${EPOCHREALTIME/./}
  timeout 30 mount -i -t nfs4 -o "$options" "$export" "$private/mount" || exit 1
  mount_ms=$(((${EPOCHREALTIME/./} - begin) / 1000))
  if [ -n "$read_ahead_kib" ]; then
    echo "$read_ahead_kib" >"/sys/class/bdi/$(mountpoint -d "$private/mount")/read_ahead_kb"
  fi
  printf '%s,"row":"mount","value":%s,"unit":"ms","better":"lower"}\n' "${label%\}}" "$mount_ms" >>"$output"
  timeout -k 5 "$limit" python3 "$lab/workloads.py" "$private/mount" --label "$label" "${workloads[@]}" >>"$output"
  umount "$private/mount"
}
