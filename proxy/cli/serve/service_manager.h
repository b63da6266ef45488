// What a service manager (systemd) hears of this process, by sd_notify(3)'s protocol: datagrams to NOTIFY_SOCKET.
#ifndef GITLATCH_SERVICE_MANAGER_H
#define GITLATCH_SERVICE_MANAGER_H

struct loop;

// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and removes them from the environment, so that no command that
// gitlatch starts can speak for it. Called once, before the first fork. Without NOTIFY_SOCKET all else does nothing.
void service_manager_open(void);
// From then on the watchdog is fed by `loop`, where the manager asked for that.
void service_manager_ready(struct loop *loop);
// The configuration is about to be read again; service_manager_reloaded follows.
void service_manager_reloading(void);
void service_manager_reloaded(void);
// What is in flight is drained.
void service_manager_stopping(void);
// Before the loop is freed.
void service_manager_close(void);

#endif
