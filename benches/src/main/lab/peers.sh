# The peers of benches/compare, one function each. Sourced by it, after links.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # what is shared with the script that sources this
#
# A peer's function is called with a step, and fails where the step did: serve $data at the host's end of the link; mount it at
# $mount from the client's end; unmount; and what is left is ended with the namespaces. What goes wrong is said
# in $log, the last line of which the report shows. NFS has a second function each, for kernels that cannot mount it.

ssh_port=2222
client_pid=
all_peers=(local sshfs_default sshfs_fast rclone_off rclone_full nfs_default nfs_tuned wormhole)

# What a peer cannot do without.
tools_of() {
  case $1 in
    sshfs_*)
      need sshfs sshfs
      need fusermount3 fuse3
      need_ssh
      ;;
    rclone_*)
      need rclone rclone
      need fusermount3 fuse3
      need_ssh
      ;;
    nfs_*)
      need ganesha.nfsd nfs-ganesha
      compgen -G '/usr/lib*/ganesha/libfsalvfs.so' >/dev/null || compgen -G '/usr/lib/*/ganesha/libfsalvfs.so' >/dev/null ||
        lacks nfs-ganesha-vfs
      if ! kernel_has_nfs; then
        need linux.uml user-mode-linux
        need_compiler
      fi
      ;;
  esac
}

need_ssh() {
  need sshd openssh-server
  need ssh openssh-client
  need ssh-keygen openssh-client
}

# The version of what a peer runs.
version_of() {
  case $1 in
    local) uname -sr ;;
    sshfs_*) echo "$(sshfs --version 2>&1 | sed -n 's/^SSHFS version /sshfs /p'), $(ssh -V 2>&1)" ;;
    rclone_*) echo "$(rclone version 2>&1 | sed -n 1p), $(ssh -V 2>&1)" ;;
    nfs_*)
      printf '%s, ' "$(ganesha.nfsd -v 2>&1 | sed -n '/Release/s/.*Release *= *V*/NFS-Ganesha /p')"
      if kernel_has_nfs; then uname -sr; else echo "user-mode Linux $(linux.uml --version 2>&1 | tail -n 1)"; fi
      ;;
    wormhole) "$launcher" version 2>&1 | sed -n '$p' ;;
  esac
}

# Writes down the command of a peer, once, as it is run, with words for what is different in each run.
declare -A noted=()
note_command() {
  local key=$peer/$1 text
  [ -z "${noted[$key]:-}" ] || return 0
  noted[$key]=yes
  text="${*:2}"
  text=${text//"$data"/DATA}
  text=${text//"$mount"/MOUNT}
  text=${text//"$work"/WORK}
  record "{\"about\":\"command\",\"peer\":$(json "$peer"),\"end\":$(json "$1"),\"command\":$(json "$text")}"
}

# Starts something at the client's end that mounts, and waits for the mount.
mount_with() {
  note_command client "$@"
  "${on_client[@]}" "$@" >>"$log" 2>&1 </dev/null &
  client_pid=$!
  await 30 mounted_or_dead || echo "nothing was mounted within 30 s" >>"$log"
  mountpoint -q "$mount"
}

mounted_or_dead() {
  mountpoint -q "$mount" || ended "$client_pid"
}

unmount_fuse() {
  if mountpoint -q "$mount"; then
    bounded 10 fusermount3 -u "$mount" 2>/dev/null || umount -l "$mount" || :
  fi
  if [ -n "$client_pid" ]; then
    await 3 ended "$client_pid" || :
    end_process "$client_pid"
    client_pid=
  fi
}

listening() {
  "${on_host[@]}" ss -Hltn "sport = :$1" | grep -q .
}

# --- the folder itself ----------------------------------------------------------------------------------------------------------

peer_local() {
  case $1 in
    mount) mount=$data ;;
    unmount) mount=$work/mount ;;
  esac
}

# --- by ssh ---------------------------------------------------------------------------------------------------------------------

serve_ssh() {
  local with_pam=no
  if [ ! -e "$work/host-key" ]; then
    ssh-keygen -q -t ed25519 -N '' -f "$work/host-key" && ssh-keygen -q -t ed25519 -N '' -f "$work/user-key" || return 1
  fi
  # Where root has a locked password sshd lets it in by key only if PAM decides.
  if [[ $(getent shadow root) == root:!* ]]; then with_pam=yes; fi
  cat >"$work/sshd.conf" <<CONF
Port $ssh_port
ListenAddress $host_address
HostKey $work/host-key
PidFile none
AuthorizedKeysFile $work/user-key.pub
StrictModes no
UsePAM $with_pam
PasswordAuthentication no
PermitRootLogin prohibit-password
LogLevel ERROR
Subsystem sftp internal-sftp
CONF
  # The folder into which sshd locks its unprivileged part; its own service makes it, where that runs.
  mkdir -p /run/sshd
  set -- "$(command -v sshd)" -D -e -f "$work/sshd.conf"
  note_command host "$@"
  "${on_host[@]}" "$@" >>"$server_log" 2>&1 </dev/null &
  await 10 listening "$ssh_port" || { echo 'sshd does not listen' >>"$log" && return 1; }
}

mount_sshfs() {
  mount_with sshfs -f -o "Port=$ssh_port,IdentityFile=$work/user-key,StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null,LogLevel=ERROR" \
    "$@" "root@$host_address:$data" "$mount"
}

peer_sshfs_default() {
  case $1 in
    serve) serve_ssh ;;
    mount) mount_sshfs ;;
    unmount) unmount_fuse ;;
  esac
}

# The cheapest cipher, four connections, and the kernel may keep what it has seen for a minute.
peer_sshfs_fast() {
  case $1 in
    serve) serve_ssh ;;
    mount)
      mount_sshfs -o "Ciphers=aes128-gcm@openssh.com,Compression=no,max_conns=4" \
        -o kernel_cache,dcache_timeout=60,attr_timeout=60,entry_timeout=60
      ;;
    unmount) unmount_fuse ;;
  esac
}

mount_rclone() {
  rm -rf "$work/rclone-cache"
  cat >"$work/rclone.conf" <<CONF
[host]
type = sftp
host = $host_address
user = root
port = $ssh_port
key_file = $work/user-key
shell_type = unix
disable_hashcheck = true
CONF
  mount_with rclone mount "host:$data" "$mount" --config "$work/rclone.conf" --cache-dir "$work/rclone-cache" "$@"
}

unmount_rclone() {
  unmount_fuse
  rm -rf "$work/rclone-cache"
}

peer_rclone_off() {
  case $1 in
    serve) serve_ssh ;;
    mount) mount_rclone --vfs-cache-mode off ;;
    unmount) unmount_rclone ;;
  esac
}

# Its cache is bounded as wormhole's is by default.
peer_rclone_full() {
  case $1 in
    serve) serve_ssh ;;
    mount) mount_rclone --vfs-cache-mode full --vfs-cache-max-size "$cache_size" ;;
    unmount) unmount_rclone ;;
  esac
}

# --- NFS ------------------------------------------------------------------------------------------------------------------------

knows_nfs() {
  [[ $(</proc/filesystems)$'\n' == *$'\tnfs4\n'* ]]
}

# Whether this kernel can mount NFS 4 itself.
kernel_has_nfs() {
  knows_nfs || modprobe -n -q nfs 2>/dev/null
}

serve_nfs() {
  mkdir -p "$work/ganesha"
  cat >"$work/ganesha.conf" <<CONF
NFS_CORE_PARAM {
  Protocols = 4; NFS_Port = 2049; Bind_addr = $host_address; Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false;
  allow_set_io_flusher_fail = true;
}
NFSV4 { Graceless = true; RecoveryBackend = fs; RecoveryRoot = $work/ganesha; Minor_Versions = 1, 2; }
EXPORT {
  Export_Id = 1; Path = $data; Pseudo = /data; Access_Type = RO; Squash = No_Root_Squash; SecType = sys;
  Protocols = 4; Transports = TCP; Filesystem_Id = 192.168; FSAL { Name = VFS; }
}
CONF
  set -- ganesha.nfsd -F -L "$work/ganesha.log" -f "$work/ganesha.conf" -p "$work/ganesha.pid" -N NIV_EVENT
  note_command host "$@"
  "${on_host[@]}" "$@" >>"$server_log" 2>&1 </dev/null &
  await 20 listening 2049 || { echo 'NFS-Ganesha does not listen' >>"$log" && return 1; }
}

nfs_options=vers=4.1,proto=tcp,addr=$host_address,rsize=1048576,wsize=1048576,hard,ro

# The read-ahead in KiB, if not the kernel's own, and further mount options.
mount_nfs() {
  knows_nfs || modprobe -q nfs
  set -- "$1" mount -i -t nfs4 -o "$nfs_options$2" "$host_address:/data" "$mount"
  note_command client "${@:2}" ${1:+"(then a read-ahead of $1 KiB)"}
  bounded 30 "${on_client[@]}" "${@:2}" >>"$log" 2>&1 || return 1
  if [ -n "$1" ]; then echo "$1" >"/sys/class/bdi/$(mountpoint -d "$mount")/read_ahead_kb"; fi
}

unmount_nfs() {
  if mountpoint -q "$mount"; then bounded 20 umount "$mount" || umount -l "$mount" || :; fi
}

nfs_step() {
  case $1 in
    serve)
      serve_nfs || return 1
      kernel_has_nfs || join_uml
      ;;
    mount) mount_nfs "${@:2}" ;;
    unmount) unmount_nfs ;;
  esac
}

peer_nfs_default() {
  nfs_step "$1" '' ''
}

peer_nfs_default_in_uml() {
  measure_in_uml "$1" '' ''
}

# Four connections, and a read-ahead of 15 transfers, as older kernels had it.
peer_nfs_tuned() {
  nfs_step "$1" 15360 ,nconnect=4
}

peer_nfs_tuned_in_uml() {
  measure_in_uml "$1" 15360 ,nconnect=4
}

# Where this kernel has no NFS client one of user-mode Linux takes its place: behind the client's end of the link, by a device
# whose packets go through that namespace.
join_uml() {
  uml_device=uml$$
  "${on_client[@]}" ip tuntap add dev "$uml_device" mode tap &&
    ip -n "$client_namespace" addr add 10.78.0.1/24 dev "$uml_device" &&
    ip -n "$client_namespace" link set "$uml_device" up &&
    "${on_client[@]}" bash -c 'echo 1 >/proc/sys/net/ipv4/ip_forward' &&
    ip -n "$host_namespace" route add 10.78.0.0/24 via "$client_address" congctl cubic
}

# Runs a group of workloads in there: on a file system of its own, whose root is this one's.
measure_in_uml() {
  local group=$1 read_ahead_kib=$2 options=$nfs_options,clientaddr=10.78.0.2$3
  mkdir -p "$work/uml/private"
  note_command client "mount -i -t nfs4 -o $options $host_address:/data MOUNT${read_ahead_kib:+ (then a read-ahead of $read_ahead_kib KiB)}"
  {
    printf '%s=%q\n' lab "$lab" private "$work/uml/private" log "$log" options "$options" export "$host_address:/data" \
      read_ahead_kib "$read_ahead_kib" output "$work/group" label "$(label)" limit "$(group_seconds "$group")"
    printf 'workloads=('
    printf ' %q' "${workload_options[@]}" --run "$group"
    printf ' )\n'
  } >"$work/uml/settings"
  bounded "$(($(group_seconds "$group") + 60))" "${on_client[@]}" env LD_PRELOAD="$work/uml-xstate.so" HOME="$work" \
    linux.uml mem=3G root=/dev/root rootfstype=hostfs rootflags=/ rw init="$lab/nfs-client.sh" uml_dir="$work/uml" \
    vec0:transport=tap,ifname="$uml_device",depth=128,gro=1 con=null con0=fd:0,fd:1 "compare_settings=$work/uml/settings" \
    </dev/null >"$work/uml/console" 2>&1 || :
  [ -s "$work/group" ]
}

# --- wormhole -------------------------------------------------------------------------------------------------------------------

# Two daemons, apart by their homes. The mounting one is new each time: nothing is on its disk.
peer_wormhole() {
  case $1 in
    serve) serve_wormhole ;;
    mount)
      new_wormhole_home "$work/mounting"
      set -- "$launcher" mount "$wormhole_code" "$mount" --peer "$host_address:4433" --cache-size "$cache_size"
      note_command client wormhole mount CODE "${@:4}"
      at_wormhole mounting 60 "${on_client[@]}" "$@" && mountpoint -q "$mount"
      ;;
    unmount)
      if mountpoint -q "$mount"; then
        at_wormhole mounting 30 "${on_client[@]}" "$launcher" unmount "$mount" || umount -l "$mount" || :
      fi
      at_wormhole mounting 20 "${on_client[@]}" "$launcher" daemon stop || :
      rm -rf "$work/mounting"
      ;;
  esac
}

# Its folder; and it says nothing on any network, in case it is started outside the namespaces.
new_wormhole_home() {
  rm -rf "$1"
  mkdir -p "$1/config"
  echo 'discovery.mdns = false' >"$1/config/config.toml"
}

# A command at one of the two homes, for so many seconds.
at_wormhole() {
  local home=$work/$1 seconds=$2
  shift 2
  bounded "$seconds" env WORMHOLE_HOME="$home" "$@" >>"$log" 2>&1 </dev/null
}

serve_wormhole() {
  local said=
  new_wormhole_home "$work/sharing"
  : >"$work/shared"
  set -- "$launcher" host "$data" --bind "$host_address:4433" --json
  note_command host wormhole "${@:2}"
  WORMHOLE_HOME=$work/sharing "${on_host[@]}" "$@" >"$work/shared" 2>>"$log" </dev/null &
  client_pid=$!
  await 60 shared_or_dead || :
  client_pid=
  said=$(<"$work/shared")
  [[ $said =~ \"code\"[[:space:]]*:[[:space:]]*\"([^\"]*)\" ]] || { echo "wormhole host said no code: $said" >>"$log" && return 1; }
  wormhole_code=${BASH_REMATCH[1]}
}

shared_or_dead() {
  grep -q '"code"' "$work/shared" || ended "$client_pid"
}
