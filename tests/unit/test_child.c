#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_unit.h"
#include "loop.h"
#include "mem.h"
#include "secret.h"
#include "spawner.h"
#include "spawner_internal.h"

enum { ECHO, SLEEP, LARGE, LARGEST, MISSING, FAILING, TALKATIVE, SIGNALLED, DAEMON, PRINTENV, DEAF, ALONE, COMMANDS };

// execvp takes no const, and writes to none of it.
#define WORD(literal) ((char *)(uintptr_t)(literal))
#define SH(script)    ((char *const[]){WORD("sh"), WORD("-c"), WORD(script), NULL})

// What one run gave.
struct result {
    struct loop *loop;
    int left; // the loop stops when so many have come
    char *output;
    size_t size;
    struct error error;
    int count;
};

static struct fixture {
    struct loop *loop;
    struct spawner *spawner;
    struct result result;
    char path[32]; // of a file to which a sleeper writes its process number
} fixture;

static struct spawner *make_spawner(void)
{
    char *const *const commands[COMMANDS] = {
        [ECHO] = SH("cat; echo said >&2"),
        [SLEEP] = SH("sleep 1000 & echo $! > $GITLATCH_TEST; wait"),
        [LARGE] = SH("head -c 65537 /dev/zero; sleep 1000"),
        [LARGEST] = SH("head -c 65536 /dev/zero"),
        [MISSING] = (char *const[]){WORD("/nonexistent/command"), NULL},
        [FAILING] = SH("echo secret; echo 'no \033 login' >&2; echo more >&2; exit 4"),
        [TALKATIVE] = SH("head -c 1000000 /dev/zero >&2; echo done"),
        [SIGNALLED] = SH("kill -TERM $$"),
        [DAEMON] = SH("sleep 1000 & echo $!"),
        [PRINTENV] = SH("echo \"$GITLATCH_TEST\""),
        [DEAF] = SH("exec <&-; echo heard nothing"),
        [ALONE] = SH("echo $$ > $GITLATCH_TEST; exec sleep 1000"),
    };
    struct error error;
    struct spawner *spawner = spawner_new(commands, COMMANDS, &error);

    assert_non_null(spawner);
    return spawner;
}

static int set_up(void **state)
{
    int fd;

    snprintf(fixture.path, sizeof(fixture.path), "/tmp/test_child.XXXXXX");
    fd = mkstemp(fixture.path);
    assert_true(fd >= 0);
    close(fd);
    setenv("GITLATCH_TEST", fixture.path, 1);
    fixture.spawner = make_spawner();
    setenv("GITLATCH_TEST", "changed since", 1);
    fixture.loop = loop_new(clock_real());
    spawner_attach(fixture.spawner, fixture.loop);
    fixture.result = (struct result){.loop = fixture.loop, .left = 1};
    return 0;
}

static int tear_down(void **state)
{
    mem_free(fixture.result.output);
    spawner_free(fixture.spawner);
    loop_free(fixture.loop);
    unlink(fixture.path);
    return 0;
}

static void on_done(void *arg, struct secret *output, const struct error *error)
{
    struct result *result = arg;

    assert_true((output == NULL) != (error == NULL));
    if (output) {
        mem_free(result->output);
        result->output = mem_bytes_string(secret_bytes(output));
        result->size = secret_bytes(output).size;
    } else {
        result->error = *error;
    }
    result->count++;
    if (--result->left == 0)
        loop_stop(result->loop);
}

// Runs one command to its end.
static const struct result *run(size_t command, struct bytes input, int64_t timeout_ms)
{
    assert_non_null(child_run(fixture.spawner, command, input, timeout_ms, on_done, &fixture.result));
    assert_int_equal(fixture.result.count, 0); // never from inside
    loop_run(fixture.loop);
    assert_int_equal(fixture.result.count, 1);
    return &fixture.result;
}

static void input_goes_in_and_output_comes_back(void **state)
{
    assert_string_equal(run(ECHO, BYTES("to be signed"), 10000)->output, "to be signed");
}

static void largest_input_and_output(void **state)
{
    char *input = mem_alloc(CHILD_INPUT_MAX);

    memset(input, 'i', CHILD_INPUT_MAX);
    assert_int_equal(run(ECHO, bytes_of(input, CHILD_INPUT_MAX), 10000)->size, CHILD_INPUT_MAX);
    assert_memory_equal(fixture.result.output, input, CHILD_INPUT_MAX);
    mem_free(input);
}

static void output_may_have_its_full_size(void **state)
{
    assert_int_equal(run(LARGEST, BYTES(""), 10000)->size, CHILD_OUTPUT_MAX);
}

static void more_output_is_an_error_and_ends_it(void **state)
{
    assert_string_equal(run(LARGE, BYTES(""), 10000)->error.text, "`sh` wrote more than 64 KiB and was killed");
}

static void more_input_is_an_error(void **state)
{
    char *input = mem_alloc_zero(1, CHILD_INPUT_MAX + 1);

    assert_string_equal(run(ECHO, bytes_of(input, CHILD_INPUT_MAX + 1), 10000)->error.text,
                        "`sh` would be given more than 64 KiB");
    mem_free(input);
}

static bool goes_away(pid_t pid)
{
    for (int i = 0; i < 500; i++) {
        char state = '\0', path[64];
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        file = fopen(path, "re");
        if (!file)
            return true;
        // A zombie has ended, even if nobody in this place collects it.
        if (fscanf(file, "%*d %*s %c", &state) != 1)
            state = 'Z';
        fclose(file);
        if (state == 'Z')
            return true;
        usleep(10000);
    }
    return false;
}

// The process number that a sleeper wrote; 0 where none came.
static pid_t sleeper(void)
{
    for (int i = 0; i < 500; i++) {
        FILE *file = fopen(fixture.path, "re");
        int pid = 0;

        if (file && fscanf(file, "%d", &pid) != 1)
            pid = 0;
        if (file)
            fclose(file);
        if (pid)
            return pid;
        usleep(10000);
    }
    return 0;
}

static void overdue_is_killed(void **state)
{
    struct mono begin = loop_now(fixture.loop);

    assert_string_equal(run(SLEEP, BYTES(""), 500)->error.text, "`sh` did not end within 0.5 s and was killed");
    assert_in_range(loop_now(fixture.loop).ms - begin.ms, 500, 2400);
    assert_true(goes_away(sleeper()));
}

static void missing_command_says_so(void **state)
{
    assert_string_equal(run(MISSING, BYTES(""), 10000)->error.text,
                        "`/nonexistent/command` failed with exit status 127: "
                        "cannot be started: No such file or directory");
}

static void failure_quotes_the_first_line_of_stderr_and_no_output(void **state)
{
    assert_string_equal(run(FAILING, BYTES(""), 10000)->error.text, "`sh` failed with exit status 4: no   login");
    assert_null(fixture.result.output);
}

static void much_on_stderr_holds_nobody_up(void **state)
{
    assert_string_equal(run(TALKATIVE, BYTES(""), 10000)->output, "done\n");
}

static void signal_is_named(void **state)
{
    assert_string_equal(run(SIGNALLED, BYTES(""), 10000)->error.text, "`sh` was ended by signal SIGTERM");
}

static void one_that_does_not_read_is_no_error(void **state)
{
    char *input = mem_alloc_zero(1, CHILD_INPUT_MAX);

    assert_string_equal(run(DEAF, bytes_of(input, CHILD_INPUT_MAX), 10000)->output, "heard nothing\n");
    mem_free(input);
}

// It holds the pipe open, and must not be waited for, nor left behind.
static void what_it_leaves_running_is_killed(void **state)
{
    struct mono begin = loop_now(fixture.loop);
    pid_t left = (pid_t)atoi(run(DAEMON, BYTES(""), 10000)->output);

    assert_true(loop_now(fixture.loop).ms - begin.ms < 5000);
    assert_true(left > 1);
    assert_true(goes_away(left));
}

static void environment_is_that_of_the_start(void **state)
{
    const char *output = run(PRINTENV, BYTES(""), 10000)->output;

    assert_true(bytes_start_with(bytes_of_string(output), bytes_of_string(fixture.path)));
}

static void more_than_there_are_places_all_run(void **state)
{
    enum { MANY = 100 };

    fixture.result.left = MANY;
    for (int i = 0; i < MANY; i++)
        assert_non_null(child_run(fixture.spawner, ECHO, BYTES("x"), 60000, on_done, &fixture.result));
    loop_run(fixture.loop);
    assert_int_equal(fixture.result.count, MANY);
    assert_string_equal(fixture.result.error.text, "");
    assert_string_equal(fixture.result.output, "x");
}

static void cancelled_is_killed_and_never_calls(void **state)
{
    struct child *children[40];
    struct result never = {.loop = fixture.loop, .left = 1};

    for (size_t i = 0; i < GL_ARRAY_SIZE(children); i++)
        children[i] = child_run(fixture.spawner, SLEEP, BYTES(""), 60000, on_done, &never);
    for (size_t i = 0; i < GL_ARRAY_SIZE(children); i++)
        child_cancel(children[i]);
    // Had the sleepers kept their places, this one would wait a minute.
    assert_string_equal(run(ECHO, BYTES("x"), 10000)->output, "x");
    assert_int_equal(never.count, 0);
}

static void a_command_that_was_not_there_at_start_is_refused(void **state)
{
    struct error error;
    size_t index;

    assert_true(spawner_find(fixture.spawner, SH("cat; echo said >&2"), &index, &error));
    assert_int_equal(index, ECHO);
    assert_false(spawner_find(fixture.spawner, SH("cat; echo said >&3"), &index, &error));
    assert_string_equal(error.text, "the command `sh` was not configured like this at start: restart gitlatch");
    assert_false(spawner_find(fixture.spawner, (char *const[]){WORD("sh"), NULL}, &index, &error));
}

static void a_spawner_that_dies_fails_its_children(void **state)
{
    fixture.result.left = 20;
    for (int i = 0; i < 20; i++)
        assert_non_null(child_run(fixture.spawner, ALONE, BYTES(""), 60000, on_done, &fixture.result));
    assert_true(sleeper() > 1);
    kill(fixture.spawner->pid, SIGKILL);
    loop_run(fixture.loop);
    assert_true(goes_away(sleeper()));
    assert_int_equal(fixture.result.count, 20);
    fixture.result.count = 0;
    fixture.result.left = 1;
    assert_string_equal(run(ECHO, BYTES(""), 10000)->error.text,
                        "`sh` cannot be run: the process that runs commands has ended");
}

// However gitlatch dies, neither the spawner nor a command outlives it.
static void nothing_outlives_gitlatch(void **state)
{
    pid_t gitlatch, command, spawner;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    gitlatch = fork();
    if (gitlatch == 0) {
        struct loop *loop = loop_new(clock_real());
        struct spawner *own;

        setenv("GITLATCH_TEST", fixture.path, 1);
        own = make_spawner();
        spawner_attach(own, loop);
        if (write(ends[1], &own->pid, sizeof(own->pid)) != sizeof(own->pid) ||
            !child_run(own, SLEEP, BYTES(""), 60000, on_done, NULL))
            _exit(1);
        loop_run(loop);
        _exit(0);
    }
    assert_int_equal(read(ends[0], &spawner, sizeof(spawner)), (int)sizeof(spawner));
    command = sleeper();
    assert_true(command > 1);
    kill(gitlatch, SIGKILL);
    assert_int_equal(waitpid(gitlatch, NULL, 0), gitlatch);
    assert_true(goes_away(command));
    assert_true(goes_away(spawner));
    close(ends[0]);
    close(ends[1]);
}

static void without_commands_there_is_no_process(void **state)
{
    struct spawner *none = spawner_new(NULL, 0, NULL);
    struct error error;
    size_t index;

    assert_int_equal(none->pid, 0);
    spawner_attach(none, fixture.loop);
    assert_false(spawner_find(none, SH("cat"), &index, &error));
    spawner_free(none);
}

#define CHILD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHILD_TEST(input_goes_in_and_output_comes_back),
        CHILD_TEST(largest_input_and_output),
        CHILD_TEST(output_may_have_its_full_size),
        CHILD_TEST(more_output_is_an_error_and_ends_it),
        CHILD_TEST(more_input_is_an_error),
        CHILD_TEST(overdue_is_killed),
        CHILD_TEST(missing_command_says_so),
        CHILD_TEST(failure_quotes_the_first_line_of_stderr_and_no_output),
        CHILD_TEST(much_on_stderr_holds_nobody_up),
        CHILD_TEST(signal_is_named),
        CHILD_TEST(one_that_does_not_read_is_no_error),
        CHILD_TEST(what_it_leaves_running_is_killed),
        CHILD_TEST(environment_is_that_of_the_start),
        CHILD_TEST(more_than_there_are_places_all_run),
        CHILD_TEST(cancelled_is_killed_and_never_calls),
        CHILD_TEST(a_command_that_was_not_there_at_start_is_refused),
        CHILD_TEST(a_spawner_that_dies_fails_its_children),
        CHILD_TEST(nothing_outlives_gitlatch),
        CHILD_TEST(without_commands_there_is_no_process),
    };

    return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
