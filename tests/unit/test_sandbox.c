#include "sandbox.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "cmocka_unit.h"
#include "loop.h"

// Each check runs in a process of its own: a filter cannot be taken off. It gives 0, or the line that failed.
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return __LINE__ & 0x7f ? __LINE__ & 0x7f : 1;                                                              \
    } while (0)

enum { NO_SECCOMP = 125 };

// Skips the test where there is no seccomp: under valgrind, in some containers.
static void judge(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_SECCOMP)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void run_in_sandbox(int (*check)(void))
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(sandbox_enter(NULL) ? check() : NO_SECCOMP);
    judge(pid);
}

#if !GL_SANITIZED // the sandbox is off there
static int try_programs(void)
{
    char *const argv[] = {(char[]){"false"}, NULL}; // should it be started, this is its exit status

    CHECK(execv("/bin/false", argv) == -1 && errno == EPERM);
    return 0;
}

static int try_processes(void)
{
    CHECK(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == -1 && errno == EPERM);
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    return 0;
}

static void *execute(void *arg)
{
    *(int *)arg = try_programs();
    return NULL;
}

static void *wait_then_execute(void *arg)
{
    usleep(50000);
    return execute(arg);
}

static int try_threads(void)
{
    pthread_t thread;
    int result = 1;

    CHECK(pthread_create(&thread, NULL, execute, &result) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    return result;
}

static void programs_and_processes_are_out_of_reach(void **state)
{
    run_in_sandbox(try_programs);
    run_in_sandbox(try_processes);
    run_in_sandbox(try_threads);
}

static void a_thread_from_before_is_held_too(void **state)
{
    pid_t pid = fork();

    if (pid == 0) {
        pthread_t thread;
        int result = 1;

        if (pthread_create(&thread, NULL, wait_then_execute, &result))
            _exit(1);
        if (!sandbox_enter(NULL))
            _exit(NO_SECCOMP);
        pthread_join(thread, NULL);
        _exit(result);
    }
    judge(pid);
}
#endif

static void on_timer(void *arg)
{
    loop_stop(arg);
}

// What gitlatch lives on goes on working.
static int try_daily_work(void)
{
    struct loop *loop = loop_new(clock_real());
    struct timer timer;
    unsigned char digest[32];
    struct addrinfo *found = NULL;
    int sockets[2];
    FILE *file;

    CHECK(loop != NULL);
    timer_init(&timer, loop, on_timer, loop);
    timer_start(&timer, 1);
    loop_run(loop);
    loop_free(loop);
    CHECK(RAND_bytes(digest, sizeof(digest)) == 1);
    CHECK(EVP_Digest("x", 1, digest, NULL, EVP_sha256(), NULL) == 1);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
    CHECK(getaddrinfo("127.0.0.1", "443", &(struct addrinfo){.ai_flags = AI_NUMERICHOST}, &found) == 0);
    freeaddrinfo(found);
    file = fopen("/etc/hostname", "re");
    CHECK(file != NULL || errno == ENOENT);
    if (file)
        fclose(file);
    return 0;
}

static void daily_work_goes_on(void **state)
{
    run_in_sandbox(try_daily_work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#if !GL_SANITIZED
        cmocka_unit_test(programs_and_processes_are_out_of_reach),
        cmocka_unit_test(a_thread_from_before_is_held_too),
#endif
        cmocka_unit_test(daily_work_goes_on),
    };

    return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
