# The links of benches/compare: two network namespaces and what joins them. Sourced by it.
# shellcheck shell=bash disable=SC2034,SC2154 # what is shared with the script that sources this

host_address=10.77.0.1
client_address=10.77.0.2
host_namespace=compare-host-$$
client_namespace=compare-client-$$
device=link$$
on_host=(nsenter "--net=/run/netns/$host_namespace")
on_client=(nsenter "--net=/run/netns/$client_namespace")
link_pid=
link_output=

# What a link is: one-way delay, rate, and in each direction a queue and losses. The queue is a bandwidth-delay product,
# or what a small router has. The scale bounds what the workloads touch.
link_settings() {
  case $1 in
    LOOP) delay_ms=0 rate_bits=0 queue_bytes=0 loss=0 scale=full ;;
    LAN) delay_ms=0.5 rate_bits=1000000000 queue_bytes=512000 loss=0 scale=full ;;
    WAN-Good) delay_ms=25 rate_bits=100000000 queue_bytes=625000 loss=0 scale=wan ;;
    WAN-Poor) delay_ms=75 rate_bits=10000000 queue_bytes=187500 loss=0.01 scale=poor ;;
    WAN-Bad) delay_ms=150 rate_bits=1000000 queue_bytes=65536 loss=0.05 scale=poor ;;
    *) return 1 ;;
  esac
}

# Makes the namespaces and joins them. The losses follow from the seed, so that each peer of a round meets the same.
link_up() {
  local seed=$1 namespace ready=
  ip netns add "$host_namespace" && ip netns add "$client_namespace" || return 1
  for namespace in "$host_namespace" "$client_namespace"; do
    ip -n "$namespace" link set lo up || return 1
    # What Linux begins with, whatever this machine was tuned to; and no transfer learns from the one before.
    nsenter "--net=/run/netns/$namespace" bash -c 'cd /proc/sys/net/ipv4 && echo 4096 131072 6291456 >tcp_rmem &&
      echo 4096 16384 4194304 >tcp_wmem && echo 1 >tcp_no_metrics_save' || return 1
  done
  if [ "$rate_bits" -eq 0 ]; then
    ip link add "$device" netns "$host_namespace" type veth peer name "$device" netns "$client_namespace" || return 1
  else
    exec {link_output}< <(exec "$work/link" "$host_namespace" "$client_namespace" "$device" "$delay_ms" "$rate_bits" \
      "$queue_bytes" "$loss" "$seed" 2>>"$server_log")
    link_pid=$!
    read -r -t 10 -u "$link_output" ready || :
    [ "$ready" = ready ] || return 1
  fi
  ip -n "$host_namespace" addr add "$host_address" peer "$client_address" dev "$device" &&
    ip -n "$client_namespace" addr add "$client_address" peer "$host_address" dev "$device" &&
    ip -n "$host_namespace" link set "$device" up && ip -n "$client_namespace" link set "$device" up || return 1
  # The same congestion control for all, by route: a namespace may not choose it for itself where the machine does not allow it.
  ip -n "$host_namespace" route replace "$client_address" dev "$device" congctl cubic &&
    ip -n "$client_namespace" route replace "$host_address" dev "$device" congctl cubic
}

# Ends the link, the namespaces, and what still runs in them, each process by its id.
link_down() {
  local namespace
  for namespace in "$client_namespace" "$host_namespace"; do
    [ -e "/run/netns/$namespace" ] || continue
    end_processes_of "$namespace"
    ip netns del "$namespace" || :
  done
  if [ -n "$link_pid" ]; then
    end_process "$link_pid"
    exec {link_output}<&-
    link_pid=
  fi
}

# SIGTERM, and three seconds later the hard one.
end_processes_of() {
  local signal tries pids
  for signal in TERM KILL; do
    for ((tries = 0; tries < 30; tries++)); do
      mapfile -t pids < <(ip netns pids "$1")
      [ "${#pids[@]}" -gt 0 ] || return 0
      if [ "$tries" -eq 0 ]; then kill "-$signal" "${pids[@]}" 2>/dev/null || :; fi
      sleep 0.1
    done
  done
}

# Ends a process that this script started: SIGTERM, and three seconds later the hard one.
end_process() {
  kill "$1" 2>/dev/null || return 0
  await 3 ended "$1" || kill -9 "$1" 2>/dev/null || :
  wait "$1" 2>/dev/null || :
}

ended() {
  ! kill -0 "$1" 2>/dev/null
}

# Runs a command until it succeeds, for so many seconds.
await() {
  local until_seconds=$((SECONDS + $1 + 1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$until_seconds" ] || return 1
    sleep 0.05
  done
}
