#include "spawner_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "secret.h"

#define JOBS        (2 * SPAWNER_PARALLEL_MAX)
#define OUTPUT_ROOM (CHILD_OUTPUT_MAX + 1)

struct job {
    pid_t pid; // 0: the place is free
    uint32_t id;
    bool answered;
    struct mono deadline;
    int input, output, message; // our ends of its pipes; -1: closed
    char *input_data;
    size_t input_size;
    size_t input_done;
    char *output_data; // OUTPUT_ROOM bytes
    size_t output_size;
    char message_data[CHILD_MESSAGE_MAX];
    size_t message_size;
};

static struct job jobs[JOBS];
static int peer; // the socket

static void close_end(int *end)
{
    if (*end >= 0)
        close(*end);
    *end = -1;
}

static void wipe_and_free(char *data, size_t size)
{
    if (data)
        explicit_bzero(data, size);
    mem_free(data);
}

static void send_answer(const struct spawner_answer *answer, const char *output, const char *message)
{
    struct iovec parts[] = {
        {(void *)(uintptr_t)answer, sizeof(*answer)},
        {(void *)(uintptr_t)output, answer->output_size},
        {(void *)(uintptr_t)message, answer->message_size},
    };
    struct msghdr whole = {.msg_iov = parts, .msg_iovlen = GL_ARRAY_SIZE(parts)};

    while (sendmsg(peer, &whole, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

// Reports how the job ended; what it wrote counts only where it ended well.
static void answer_job(struct job *job, enum spawner_end end, int status)
{
    struct spawner_answer answer = {.id = job->id, .end = end, .status = status};

    if (job->answered)
        return;
    answer.output_size = end == SPAWNER_EXITED && status == 0 ? (uint32_t)job->output_size : 0;
    answer.message_size = (uint32_t)job->message_size;
    send_answer(&answer, job->output_data, job->message_data);
    job->answered = true;
    close_end(&job->input);
    close_end(&job->output);
    close_end(&job->message);
}

// With what it started: it leads a process group.
static void kill_job(struct job *job, enum spawner_end end)
{
    kill(-job->pid, SIGKILL);
    answer_job(job, end, 0);
}

static void free_job(struct job *job)
{
    close_end(&job->input);
    close_end(&job->output);
    close_end(&job->message);
    wipe_and_free(job->input_data, job->input_size);
    wipe_and_free(job->output_data, OUTPUT_ROOM);
    explicit_bzero(job, sizeof(*job));
}

static struct job *free_place(void)
{
    for (size_t i = 0; i < JOBS; i++)
        if (!jobs[i].pid)
            return &jobs[i];
    return NULL;
}

// In the new process. What cannot be done is said on its stderr, which is a pipe to us.
static void become(char *const *argv, pid_t parent, const int ends[3]) GL_NORETURN;
static void become(char *const *argv, pid_t parent, const int ends[3])
{
    sigset_t none;

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    for (int i = 0; i < 3; i++)
        if (dup2(ends[i], i) < 0)
            _exit(127);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(argv[0], argv);
    dprintf(STDERR_FILENO, "cannot be started: %s\n", strerrordesc_np(errno));
    _exit(127);
}

// Three pipes: ends[i][0] is read from. False and errno, and none is left open.
static bool make_pipes(int ends[3][2])
{
    for (int i = 0; i < 3; i++)
        if (pipe2(ends[i], O_CLOEXEC) != 0) {
            for (int saved = errno; i-- > 0; errno = saved) {
                close(ends[i][0]);
                close(ends[i][1]);
            }
            return false;
        }
    return true;
}

static bool start_job(struct job *job, char *const *argv)
{
    pid_t parent = getpid();
    int ends[3][2];

    if (!make_pipes(ends))
        return false;
    job->pid = fork();
    if (job->pid == 0)
        become(argv, parent, (const int[]){ends[0][0], ends[1][1], ends[2][1]});
    if (job->pid > 0)
        setpgid(job->pid, job->pid); // by both, so that neither has to wait for the other
    close(ends[0][0]);
    close(ends[1][1]);
    close(ends[2][1]);
    job->input = ends[0][1];
    job->output = ends[1][0];
    job->message = ends[2][0];
    fcntl(job->input, F_SETFL, O_NONBLOCK);
    fcntl(job->output, F_SETFL, O_NONBLOCK);
    fcntl(job->message, F_SETFL, O_NONBLOCK);
    return job->pid > 0;
}

static void on_run(const struct spawner_request *request, struct bytes input, char *const *argv)
{
    struct job *job = free_place();
    struct spawner_answer failed = {.id = request->id, .end = SPAWNER_NOT_STARTED, .status = EAGAIN};

    if (!job) {
        send_answer(&failed, NULL, NULL);
        return;
    }
    *job = (struct job){.id = request->id, .input = -1, .output = -1, .message = -1};
    job->deadline.ms = clock_mono(clock_real()).ms + request->timeout_ms;
    job->input_data = mem_alloc(input.size);
    memcpy(job->input_data, input.data, input.size);
    job->input_size = input.size;
    job->output_data = mem_alloc(OUTPUT_ROOM);
    if (!start_job(job, argv)) {
        failed.status = errno;
        send_answer(&failed, NULL, NULL);
        free_job(job);
    }
}

// False: gitlatch is gone.
static bool on_request(char *const *const *commands, size_t count)
{
    static char message[SPAWNER_REQUEST_MAX];
    struct spawner_request request;
    ssize_t size = recv(peer, message, sizeof(message), 0);

    if (size < 0 && errno == EINTR)
        return true;
    if (size < (ssize_t)sizeof(request))
        return false;
    memcpy(&request, message, sizeof(request));
    if (request.kind == SPAWNER_RUN && request.command < count)
        on_run(&request, bytes_of(message + sizeof(request), (size_t)size - sizeof(request)),
               commands[request.command]);
    for (size_t i = 0; request.kind == SPAWNER_KILL && i < JOBS; i++)
        if (jobs[i].pid && jobs[i].id == request.id)
            kill_job(&jobs[i], SPAWNER_KILLED);
    explicit_bzero(message, sizeof(message));
    return true;
}

static void feed(struct job *job)
{
    ssize_t written = write(job->input, job->input_data + job->input_done, job->input_size - job->input_done);

    if (written > 0)
        job->input_done += (size_t)written;
    if (job->input_done == job->input_size || (written < 0 && errno != EAGAIN && errno != EINTR))
        close_end(&job->input);
}

static void take_output(struct job *job)
{
    ssize_t got;

    if (job->output < 0)
        return;
    // One byte more than is allowed shows that there is too much.
    do {
        got = read(job->output, job->output_data + job->output_size, OUTPUT_ROOM - job->output_size);
        if (got > 0)
            job->output_size += (size_t)got;
    } while (got > 0 && job->output_size < OUTPUT_ROOM);
    if (job->output_size == OUTPUT_ROOM)
        kill_job(job, SPAWNER_TOO_LARGE);
    else if (got == 0)
        close_end(&job->output);
}

// The beginning is kept, the rest is read so that the command is not held up.
static void take_message(struct job *job)
{
    char data[4096];
    ssize_t got;

    while (job->message >= 0 && (got = read(job->message, data, sizeof(data))) != 0) {
        size_t keep = CHILD_MESSAGE_MAX - job->message_size;

        if (got < 0)
            return;
        keep = (size_t)got < keep ? (size_t)got : keep;
        memcpy(job->message_data + job->message_size, data, keep);
        job->message_size += keep;
    }
    close_end(&job->message);
}

static void on_exit_of(struct job *job, const siginfo_t *info)
{
    kill(-job->pid, SIGKILL); // what it left running; its own number is not free before waitpid
    take_output(job);
    take_message(job);
    waitpid(job->pid, NULL, 0);
    if (info->si_code == CLD_EXITED)
        answer_job(job, SPAWNER_EXITED, info->si_status);
    else
        answer_job(job, SPAWNER_SIGNALLED, info->si_status);
    free_job(job);
}

static void spawner_process_reap(void)
{
    siginfo_t info = {0};

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid) {
        struct job *job = NULL;

        for (size_t i = 0; i < JOBS; i++)
            if (jobs[i].pid == info.si_pid)
                job = &jobs[i];
        if (job)
            on_exit_of(job, &info);
        else
            waitpid(info.si_pid, NULL, 0);
        info.si_pid = 0;
    }
}

// Kills what is overdue; gives the time until the next deadline for poll, -1: none.
static int watch_deadlines(void)
{
    struct mono now = clock_mono(clock_real());
    int64_t next = -1;

    for (size_t i = 0; i < JOBS; i++) {
        int64_t left = jobs[i].deadline.ms - now.ms;

        if (!jobs[i].pid || jobs[i].answered)
            continue;
        if (left <= 0)
            kill_job(&jobs[i], SPAWNER_TIMED_OUT);
        else if (next < 0 || left < next)
            next = left;
    }
    return next > INT32_MAX ? INT32_MAX : (int)next;
}

static void end_process(void) GL_NORETURN;
static void end_process(void)
{
    for (size_t i = 0; i < JOBS; i++)
        if (jobs[i].pid)
            kill(-jobs[i].pid, SIGKILL);
    _exit(0);
}

// All signals are blocked: a Ctrl-C for the terminal's group is not ours to obey. SIGCHLD is read from the
// descriptor given back, and SIGUSR2, which the kernel sends when gitlatch dies (its socket may have copies
// elsewhere).
static int spawner_process_take_signals(pid_t parent)
{
    sigset_t all, read_here;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&read_here);
    sigaddset(&read_here, SIGCHLD);
    sigaddset(&read_here, SIGUSR2);
    prctl(PR_SET_PDEATHSIG, SIGUSR2);
    if (getppid() != parent)
        end_process();
    return signalfd(-1, &read_here, SFD_CLOEXEC | SFD_NONBLOCK);
}

enum { POLL_PEER, POLL_SIGNALS, POLL_JOBS, POLL_COUNT = POLL_JOBS + 3 * JOBS };

static void poll_jobs(struct pollfd *polls)
{
    for (size_t i = 0; i < JOBS; i++) {
        bool live = jobs[i].pid != 0;

        polls[3 * i] = (struct pollfd){.fd = live ? jobs[i].input : -1, .events = POLLOUT};
        polls[3 * i + 1] = (struct pollfd){.fd = live ? jobs[i].output : -1, .events = POLLIN};
        polls[3 * i + 2] = (struct pollfd){.fd = live ? jobs[i].message : -1, .events = POLLIN};
    }
}

static void serve_jobs(const struct pollfd *polls)
{
    for (size_t i = 0; i < JOBS; i++) {
        if (polls[3 * i].revents && jobs[i].input >= 0)
            feed(&jobs[i]);
        if (polls[3 * i + 1].revents && jobs[i].output >= 0)
            take_output(&jobs[i]);
        if (polls[3 * i + 2].revents && jobs[i].message >= 0)
            take_message(&jobs[i]);
    }
}

void spawner_process_run(int socket, char *const *const *commands, size_t count)
{
    static struct pollfd polls[POLL_COUNT];
    pid_t parent = getppid();
    struct signalfd_siginfo signal_info;
    int signals;

    peer = socket;
    secret_protect_process();
    prctl(PR_SET_NAME, "gitlatch-spawn");
    signals = spawner_process_take_signals(parent);
    for (;;) {
        int timeout = watch_deadlines();

        polls[POLL_PEER] = (struct pollfd){.fd = peer, .events = POLLIN};
        polls[POLL_SIGNALS] = (struct pollfd){.fd = signals, .events = POLLIN};
        poll_jobs(polls + POLL_JOBS);
        if (poll(polls, POLL_COUNT, timeout) < 0)
            continue;
        serve_jobs(polls + POLL_JOBS);
        if (polls[POLL_SIGNALS].revents) {
            while (read(signals, &signal_info, sizeof(signal_info)) > 0)
                ;
            if (getppid() != parent)
                end_process();
            spawner_process_reap();
        }
        if (polls[POLL_PEER].revents && !on_request(commands, count))
            end_process();
    }
}
