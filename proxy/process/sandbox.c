#include "sandbox.h"

#include <errno.h>
#include <sys/prctl.h>

#include <seccomp.h>

// A list of what is denied, not of what is allowed: OpenSSL, c-ares, libcurl and the C library choose their
// system calls by version and kernel, and a call that an allow-list does not know would fail on a user's
// machine, not on ours. What an attacker in the process would want first is here: to start programs, to look
// into other processes, to change mounts and namespaces, to reach the kernel where it is weakest.
static const int denied[] = {
    // other programs
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    // other processes
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    SCMP_SYS(migrate_pages),
    SCMP_SYS(move_pages),
    // files beyond what paths reach, mounts, namespaces
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(chroot),
    SCMP_SYS(pivot_root),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(open_tree),
    SCMP_SYS(move_mount),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    // the kernel
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(syslog),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    // keys and the clock
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
};

static int load_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int result = filter ? 0 : -ENOMEM;

    // The log's thread too.
    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    for (size_t i = 0; result == 0 && i < GL_ARRAY_SIZE(denied); i++) {
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
        if (result == -EDOM) // this architecture does not have it
            result = 0;
    }
    if (result == 0)
        result = seccomp_load(filter); // sets no_new_privs
    seccomp_release(filter);
    return result;
}

bool sandbox_enter(struct error *ret_error)
{
    int result;

    if (GL_SANITIZED)
        return true;
    result = load_filter();
    if (result != 0) {
        // Alone it still keeps set-user-id programs from giving anything.
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        return error_set(ret_error, "the kernel takes no seccomp filter: %s", strerrordesc_np(-result));
    }
    return true;
}
