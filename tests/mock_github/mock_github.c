// The mock GitHub: see README.md.
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git_command.h"
#include "git_hook.h"
#include "greeting.h"
#include "mock_ca.h"
#include "serve.h"
#include "mock_setting.h"
#include "mock_text.h"
#include "world.h"
#include "world_seed.h"

struct options {
    const char *state;
    const char *listen;
    const char *control;
    const char *port_file;
    bool listen6;
    bool quiet;
};

static const char usage[] =
    "Usage: mock-github [OPTION]...\n"
    "A GitHub of your own on a loopback port, to try gitlatch on and to test it with.\n"
    "\n"
    "  --state DIR          keep certificates, App key and repositories here (default: a new directory in "
    "/tmp)\n"
    "  --listen ADDR:PORT   where GitHub's hosts listen (default 127.0.0.1:0, any free port)\n"
    "  --listen6            listen on [::1] as well, on the same port if it is free\n"
    "  --control ADDR:PORT  where the control API listens, plain HTTP (default 127.0.0.1:0)\n"
    "  --port-file FILE     write the ports to FILE as NAME=value lines, once all is ready\n"
    "  --set KEY=NUMBER     change a setting, e.g. token_lifetime=90 (README.md lists them)\n"
    "  --quiet              do not tell what to do next\n"
    "  --help               show this\n";

// KEY=NUMBER
static void change_setting(const char *pair)
{
    struct bytes key;
    struct bytes value;
    char *name;
    json_t *change;
    const char *unknown;

    bytes_cut(bytes_of_string(pair), '=', &key, &value);
    name = mock_text_copy_bytes(key);
    change = json_pack("{s:I}", name, (json_int_t)(value.size ? strtoll(value.data, NULL, 10) : 0));
    if (!mock_setting_update(change, &unknown))
        errx(2, "--set %s: no such setting", pair);
    json_decref(change);
    free(name);
}

// getopt takes the beginning of a name for the whole; here --port would be --port-file. `index` is the option's that was
// just found.
static void refuse_abbreviation(char **argv, const struct option *known, int index)
{
    const char *word = argv[optind - 1];
    size_t length = strlen(known[index].name);

    if (known[index].has_arg == required_argument && optarg == word)
        word = argv[optind - 2];
    if (strcspn(word + 2, "=") != length)
        errx(2, "%s: not an option; see --help", word);
}

static struct options parse_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"state", required_argument, NULL, 's'},
        {"listen", required_argument, NULL, 'l'},
        {"listen6", no_argument, NULL, '6'},
        {"control", required_argument, NULL, 'c'},
        {"port-file", required_argument, NULL, 'p'},
        {"set", required_argument, NULL, 'S'},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct options options = {.listen = "127.0.0.1:0", .control = "127.0.0.1:0"};
    int letter;
    int index = 0;

    while ((letter = getopt_long(argc, argv, "", known, &index)) != -1) {
        if (letter != '?')
            refuse_abbreviation(argv, known, index);
        switch (letter) {
        case 's':
            options.state = optarg;
            break;
        case 'l':
            options.listen = optarg;
            break;
        case '6':
            options.listen6 = true;
            break;
        case 'c':
            options.control = optarg;
            break;
        case 'p':
            options.port_file = optarg;
            break;
        case 'S':
            change_setting(optarg);
            break;
        case 'q':
            options.quiet = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            exit(2);
        }
    }
    if (optind < argc)
        errx(2, "%s: not an option; see --help", argv[optind]);
    return options;
}

// The state directory as an absolute path, made where it is not there.
static char *open_state(const char *directory)
{
    char fresh[] = "/tmp/mock-github-XXXXXX";
    char *path;

    if (!directory)
        directory = mkdtemp(fresh);
    else if (mkdir(directory, 0755) != 0 && errno != EEXIST)
        directory = NULL;
    path = directory ? realpath(directory, NULL) : NULL;
    if (!path)
        err(1, "the state directory cannot be made");
    return path;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// SIGTERM and SIGINT are waited for by the main thread alone.
static void block_signals(sigset_t *ret_ends)
{
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(ret_ends);
    sigaddset(ret_ends, SIGTERM);
    sigaddset(ret_ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, ret_ends, NULL);
}

static int listen6(int port)
{
    char *address = mock_text_format("[::1]:%d", port);
    int given = 0;

    serve_github(serve_listen(address, &given));
    free(address);
    return given;
}

static void start(const struct options *options, char *state)
{
    struct greeting greeting = {.state = state};
    int github = serve_listen(options->listen, &greeting.port);
    int control = serve_listen(options->control, &greeting.control_port);
    char *address = mock_text_format("%.*s:%d", (int)(strrchr(options->listen, ':') - options->listen), options->listen,
                                     greeting.port);

    greeting.address = address;
    serve_github(github);
    serve_control(control);
    if (options->listen6)
        greeting.port6 = listen6(greeting.port);
    greeting_write_configuration(&greeting);
    if (options->port_file)
        greeting_write_ports(&greeting, options->port_file);
    if (!options->quiet)
        greeting_print(&greeting, stdout);
    free(address);
}

int main(int argc, char **argv)
{
    struct options options;
    sigset_t ends;
    char *state;
    int signal_number;
    int exit_code;

    if (git_hook_run(argv[0], &exit_code))
        return exit_code;
    options = parse_options(argc, argv);
    raise_descriptor_limit();
    block_signals(&ends);
    state = open_state(options.state);
    git_command_configure(state);
    git_hook_install(state);
    mock_ca_open(state);
    world_set_state_directory(state);
    world_seed();
    start(&options, state);
    free(state);
    sigwait(&ends, &signal_number);
    _exit(0); // threads are still at work: nothing may be torn down under them
}
