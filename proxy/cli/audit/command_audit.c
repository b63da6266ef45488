// `gitlatch audit`: audit events as lines for people.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit_line.h"
#include "command.h"
#include "log.h"
#include "mem.h"

// How soon a new event is seen.
#define POLL_NS 200000000L

static const char help[] = "Usage: gitlatch audit [-f] [-c FILE] [FILE]\n"
                           "\n"
                           "Prints audit events as lines for people: time, decision, who, what, why. DENY was\n"
                           "refused by a rule, or for its form; FAIL went wrong on the way.\n"
                           "\n"
                           "  FILE               the audit log; `-`: stdin. Without it, the file that\n"
                           "                     `log.audit` of the configuration names, else stdin\n"
                           "  -c, --config FILE  the configuration; else GITLATCH_CONFIG, else\n"
                           "                     " CONFIG_DEFAULT_PATH "\n"
                           "  -f, --follow       go on with what is added, over a rotation of the file\n"
                           "  -h, --help         this text\n"
                           "\n"
                           "In a cluster: kubectl logs POD -c gitlatch | gitlatch audit\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"follow", no_argument, NULL, 'f'},
    COMMAND_OPTION_HELP,
    {NULL, 0, NULL, 0},
};

struct reading {
    const struct command *command;
    const char *path; // NULL: stdin, which is not followed
    FILE *file;
    bool colour;
    char line[LOG_AUDIT_LINE_MAX + 2];
    size_t size;    // of the line, as far as it is read
    bool too_long;  // its beginning was thrown away
    size_t skipped; // lines that were no events
};

static void end_line(struct reading *reading)
{
    struct text text = {0};

    if (!reading->too_long && audit_line_append(bytes_of(reading->line, reading->size), reading->colour, &text))
        fputs(text_string(&text), stdout);
    else if (reading->size > 0)
        reading->skipped++;
    text_free(&text);
    reading->size = 0;
    reading->too_long = false;
}

// Reads to the file's end.
static bool read_on(struct reading *reading)
{
    int c;

    clearerr(reading->file);
    while ((c = getc(reading->file)) != EOF) {
        if (c == '\n')
            end_line(reading);
        else if (reading->size < sizeof(reading->line))
            reading->line[reading->size++] = (char)c;
        else
            reading->too_long = true;
    }
    return !ferror(reading->file);
}

// Whether another file has the name now, or this one was cut.
static bool was_rotated(const struct reading *reading)
{
    struct stat named, open;

    return stat(reading->path, &named) == 0 && fstat(fileno(reading->file), &open) == 0 &&
           (named.st_ino != open.st_ino || named.st_dev != open.st_dev || named.st_size < ftello(reading->file));
}

static bool open_anew(struct reading *reading)
{
    FILE *file = fopen(reading->path, "re");

    if (!file)
        return false;
    if (!read_on(reading)) { // what was written before the name went to another file
        fclose(file);
        return false;
    }
    end_line(reading);
    fclose(reading->file);
    reading->file = file;
    return true;
}

static bool follow(struct reading *reading)
{
    static const struct timespec pause = {.tv_nsec = POLL_NS};

    while (fflush(stdout) == 0 && !ferror(stdout)) {
        nanosleep(&pause, NULL);
        if (was_rotated(reading) && !open_anew(reading) && errno != ENOENT)
            return false;
        if (!read_on(reading))
            return false;
    }
    return true;
}

static int print_events(struct reading *reading, bool follows)
{
    bool whole = read_on(reading) && (!follows || follow(reading));

    if (!whole)
        return command_fail(reading->command, "cannot read %s: %s", reading->path ? reading->path : "stdin",
                            strerror(errno));
    end_line(reading); // the last one may lack its end
    if (reading->skipped > 0)
        fprintf(stderr, "gitlatch audit: skipped %zu lines that are no audit events (torn, or of another program)\n",
                reading->skipped);
    return command_finish_output(reading->command);
}

static int audit(const struct command *command, const char *path, bool follows)
{
    struct reading *reading = mem_alloc_zero(1, sizeof(*reading));
    int status;

    reading->command = command;
    reading->path = path;
    reading->colour = isatty(STDOUT_FILENO); // before the open: it sets errno
    reading->file = path ? fopen(path, "re") : stdin;
    if (reading->file)
        status = print_events(reading, follows);
    else
        status = command_fail(command, "cannot open %s: %s", path, strerror(errno));
    if (path && reading->file)
        fclose(reading->file);
    mem_free(reading);
    return status;
}

// The file of the configuration's `log.audit`; NULL: it names none. Owned by the caller.
static char *configured_file(const struct config *config)
{
    const char *audit = config->audit;
    bool is_word = !audit || strcmp(audit, "stdout") == 0 || strcmp(audit, "none") == 0;

    return is_word ? NULL : mem_string(audit);
}

static int audit_configured(const struct command *command, const char *option, bool follows)
{
    struct config *config = NULL;
    char *path = NULL;
    int status;

    if (command_has_config(option)) {
        config = command_config(command, option, CONFIG_FOR_CHECK);
        if (!config)
            return COMMAND_USAGE;
        path = configured_file(config);
        config_unref(config);
    }
    if (!path && (follows || isatty(STDIN_FILENO)))
        return command_misused(command, "name the audit log: no configuration's `log.audit` names a file");
    status = audit(command, path, follows);
    mem_free(path);
    return status;
}

static int run(const struct command *command, int argc, char **argv)
{
    const char *config = NULL, *path;
    bool follows = false;
    int option;

    while ((option = command_option(command, argc, argv)) != COMMAND_OPTION_END) {
        if (option == 'h')
            return command_help(command);
        if (option == 'c')
            config = optarg;
        else if (option == 'f')
            follows = true;
        else
            return COMMAND_USAGE;
    }
    path = optind < argc ? argv[optind++] : NULL;
    if (!command_no_arguments(command, argc, argv))
        return COMMAND_USAGE;
    if (!path)
        return audit_configured(command, config, follows);
    // A pipe is read to its end in any case.
    return strcmp(path, "-") == 0 ? audit(command, NULL, false) : audit(command, path, follows);
}

const struct command command_audit = {
    .name = "audit",
    .summary = "print audit events as lines for people",
    .help = help,
    .short_options = ":c:fh",
    .options = options,
    .run = run,
};
