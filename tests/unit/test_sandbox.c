#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "cmocka_unit.h"
#include "loop.h"
#include "mem.h"
#include "sandbox_files.h"

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

static char *writable;

static bool may_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int try_files(void)
{
    char *const argv[] = {(char[]){"false"}, NULL};
    char *own = mem_format("%s/own", writable), *other = mem_format("%s-other", writable);

    CHECK(may_open(own, O_WRONLY | O_CREAT | O_TRUNC));
    CHECK(unlink(own) == 0);
    CHECK(may_open("/dev/null", O_WRONLY));
    CHECK(may_open("/etc/passwd", O_RDONLY));
    CHECK(!may_open(other, O_WRONLY | O_CREAT) && errno == EACCES);
    CHECK(!may_open("/tmp", O_RDWR | O_TMPFILE) && errno == EACCES);
    CHECK(mkdir(other, 0700) == -1 && errno == EACCES);
    CHECK(symlink("x", own) == -1 && errno == EACCES);
    CHECK(execv("/bin/false", argv) == -1 && errno == EACCES);
    mem_free(own);
    mem_free(other);
    return 0;
}

static int try_to_listen(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof(address)) == -1 && errno == EACCES);
    close(fd);
    return 0;
}

static void run_with_files(int (*check)(void), long version)
{
    const char *const directories[] = {writable, NULL, "/is/not/there"};
    bool supported = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= version;
    pid_t pid = fork();

    if (pid == 0) {
        struct error error;

        if (!supported || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
            _exit(NO_SECCOMP);
        _exit(sandbox_files_enter(directories, GL_ARRAY_SIZE(directories), &error) ? check() : 1);
    }
    judge(pid);
}

static void files_are_written_at_their_places_alone(void **state)
{
    char directory[] = "/tmp/test_sandbox.XXXXXX";

    writable = mkdtemp(directory);
    assert_non_null(writable);
    run_with_files(try_files, 1);
    assert_int_equal(rmdir(directory), 0);
}

static void no_port_is_bound(void **state)
{
    writable = NULL;
    run_with_files(try_to_listen, 4);
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
        cmocka_unit_test(files_are_written_at_their_places_alone),
        cmocka_unit_test(no_port_is_bound),
#endif
        cmocka_unit_test(daily_work_goes_on),
    };

    return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
