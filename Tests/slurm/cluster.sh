#!/usr/bin/env bash
# A Slurm cluster of this one machine, for tests: cluster.sh start FOLDER, cluster.sh stop FOLDER.
# Needs root, and Debian's slurm-wlm and munge. FOLDER takes its configuration, state and logs;
# afterwards SLURM_CONF=FOLDER/slurm.conf makes sbatch and its like speak to it.
set -euo pipefail

action=$1
mkdir -p "$2"
folder=$(realpath "$2")
export SLURM_CONF=$folder/slurm.conf

start() {
  local host
  host=$(hostname -s)
  install -d -o munge -g munge -m 0755 /run/munge
  if ! munge -n > /dev/null 2>&1; then
    [ -s /etc/munge/munge.key ] || mungekey --create 2> /dev/null || create-munge-key
    runuser -u munge -- munged --force
    for _ in $(seq 50); do munge -n > /dev/null 2>&1 && break; sleep 0.1; done
  fi
  mkdir -p "$folder"/{state,spool}
  cat > "$SLURM_CONF" << END
ClusterName=runner
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
# Requeued tasks begin again when their credentials have expired.
AuthInfo=cred_expire=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmctldPort=16817
SlurmdPort=16818
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
ReturnToService=2
KillWait=5
JobRequeue=1
SchedulerParameters=batch_sched_delay=0,sched_interval=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
  slurmctld
  slurmd
  for _ in $(seq 100); do
    sinfo --noheader --format=%T 2> /dev/null | grep -q '^idle' && return 0
    sleep 0.2
  done
  echo "the cluster did not start; see $folder" >&2
  tail -n 5 "$folder"/*.log >&2
  return 1
}

stop() {
  for daemon in slurmd slurmctld; do
    [ -s "$folder/$daemon.pid" ] && kill "$(cat "$folder/$daemon.pid")" 2> /dev/null || true
  done
}

"$action"
