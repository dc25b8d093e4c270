#!/bin/sh
# Boots the Linux in a folder with its own systemd, as root, beside this system: own processes, mounts, control groups and
# name; the network is shared. Ends when it is killed, and everything in it with it. Usage: boot-root.sh FOLDER
set -eu
export root=$1 groups=millrace-boot-$$
for folder in /sys/fs/cgroup/*/; do
    [ -e "$folder/cgroup.procs" ] || continue
    if mkdir "$folder$groups" 2>/dev/null; then
        # A set of processors must be told its own before it takes anybody in.
        echo $$ 2>/dev/null >"$folder$groups/cgroup.procs" || rmdir "$folder$groups"
    fi
done
exec unshare --cgroup --mount --uts --ipc --pid --fork --kill-child --propagation private sh -euc '
    hostname millrace-boot
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    if grep -q "^cgroup2 /sys/fs/cgroup " /proc/mounts; then
        mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    else
        mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
        for group in /sys/fs/cgroup/*/; do
            name=$(basename "$group")
            case $name in
            unified) kind=cgroup2 options=rw ;;
            systemd) kind=cgroup options=none,name=systemd ;;
            *) kind=cgroup options=$name ;;
            esac
            mkdir "$root/sys/fs/cgroup/$name"
            mount -t $kind -o $options cgroup "$root/sys/fs/cgroup/$name" || rmdir "$root/sys/fs/cgroup/$name"
        done
    fi
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for device in null zero full random urandom tty; do
        : >"$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
    done
    mkdir "$root/dev/pts" "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    mount -t tmpfs tmpfs "$root/dev/shm"
    # A changed root by chroot would forbid user namespaces.
    cd "$root"
    mkdir -p outside
    pivot_root . outside
    umount -l /outside
    rmdir /outside
    exec /usr/bin/env -i container=millrace PATH=/usr/sbin:/usr/bin /lib/systemd/systemd --log-target=console \
        --unit=multi-user.target
'
