#include "run_proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller_egress.h"
#include "config.h"
#include "config_private.h"
#include "mem.h"
#include "server.h"
#include "daemon.h"
#include "temporary_directory.h"
#include "text.h"

// 128 bits, in hex.
#define PASSWORD_BYTES 16
#define PASSWORD_SIZE  (2 * PASSWORD_BYTES + 1)

// An error, or a URL and a path: anything longer is cut.
#define REPORT_MAX (16 * KIB)

// What the proxy's process reports once, as it serves or fails: a letter, then lines.
#define REPORT_SERVES 's' // URL \n directory
#define REPORT_FAILED 'f' // the error

// In the proxy's process.

static void report(int socket, char letter, const char *first, const char *second)
{
    char *text = mem_format("%c%s\n%s", letter, first, second);

    // A report that cannot be sent has nobody to read it: the lifeline's end follows.
    if (send(socket, text, strlen(text), MSG_NOSIGNAL) >= 0)
        shutdown(socket, SHUT_WR);
    mem_free(text);
}

static void on_ready(void *arg, const void *server)
{
    report(*(int *)arg, REPORT_SERVES, server_proxy_url(server), server_publish_directory(server));
}

static void make_password(char password[PASSWORD_SIZE])
{
    unsigned char bytes[PASSWORD_BYTES];

    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        abort(); // never for so few bytes, once the system is up
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(password + 2 * i, 3, "%02x", bytes[i]);
}

// Apart from the terminal: its Ctrl-C and Ctrl-Z are for the command, which may go on using the proxy.
static void leave_terminal(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    setsid();
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    close(null);
}

static GL_NORETURN void serve(struct config *config, char *temporary, int lifeline)
{
    struct daemon_options options = {.type = &daemon_type_proxy,
                                     .config = config,
                                     .lifeline = lifeline,
                                     .ready = on_ready,
                                     .ready_arg = &lifeline,
                                     .folder = temporary};
    char password[PASSWORD_SIZE];
    struct error error;
    bool ok;

    leave_terminal();
    make_password(password);
    options.password = password;
    ok = daemon_run(&options, &error);
    if (!ok)
        report(lifeline, REPORT_FAILED, error.text, "");
    // Here, and not only by who started us: he may have been killed.
    temporary_directory_remove(temporary);
    _exit(ok ? EXIT_SUCCESS : EXIT_FAILURE);
}

// In the process that was called.

static bool read_report(struct run_proxy *proxy, struct error *ret_error)
{
    struct bytes whole, url, directory;
    struct text text;
    char block[1024];
    ssize_t count;

    text_init(&text, REPORT_MAX);
    while ((count = recv(proxy->lifeline, block, sizeof(block), 0)) > 0 || (count < 0 && errno == EINTR))
        text_append_bytes(&text, bytes_of(block, count > 0 ? (size_t)count : 0));
    whole = text_bytes(&text);
    if (whole.size == 0)
        error_set(ret_error, "the proxy ended before it served; it may have said why above");
    else
        bytes_cut(bytes_skip(whole, 1), '\n', &url, &directory);
    if (whole.size > 0 && whole.data[0] == REPORT_FAILED)
        error_set(ret_error, "%.*s", (int)url.size, url.data);
    if (whole.size > 0 && whole.data[0] == REPORT_SERVES) {
        proxy->url = mem_bytes_string(url);
        proxy->published = mem_bytes_string(directory);
    }
    text_free(&text);
    return proxy->url != NULL;
}

static bool fork_proxy(struct config *config, struct run_proxy *proxy, struct error *ret_error)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set(ret_error, "no socket: %s", strerror(errno));
    proxy->pid = fork();
    if (proxy->pid == 0) {
        close(ends[0]);
        serve(config, proxy->temporary, ends[1]);
    }
    close(ends[1]);
    proxy->lifeline = ends[0];
    return proxy->pid > 0 || error_set(ret_error, "no process for the proxy: %s", strerror(errno));
}

bool run_proxy_start(struct config *config, struct run_proxy *ret_proxy, struct error *ret_error)
{
    struct run_proxy proxy = {.lifeline = -1, .temporary = temporary_directory_make("gitlatch-run", ret_error)};
    char *published;

    if (!proxy.temporary)
        return false;
    published = mem_format("%s/public", proxy.temporary);
    config_make_private(config, published);
    mem_free(published);
    if (caller_egress_take(config, proxy.temporary, ret_error) && fork_proxy(config, &proxy, ret_error) &&
        read_report(&proxy, ret_error)) {
        *ret_proxy = proxy;
        return true;
    }
    run_proxy_stop(&proxy);
    return false;
}

void run_proxy_stop(struct run_proxy *proxy)
{
    if (proxy->lifeline >= 0)
        close(proxy->lifeline);
    while (proxy->pid > 0 && waitpid(proxy->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    temporary_directory_remove(proxy->temporary);
    mem_free(proxy->url);
    mem_free(proxy->published);
}
