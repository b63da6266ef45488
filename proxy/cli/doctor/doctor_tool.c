#include "doctor_tool.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor_program.h"
#include "mem.h"
#include "redact.h"

// Of a tool's own words, so much is shown.
#define QUOTE_MAX 200

static bool holds(const struct text *output, const char *word)
{
    return strcasestr(text_string(output), word) != NULL;
}

static enum doctor_outcome judge(const struct doctor_tool *tool, const struct text *output)
{
    if (holds(output, DOCTOR_MARK) || (tool->also && holds(output, tool->also)))
        return DOCTOR_TOOL_OK;
    if (tool->unable && holds(output, tool->unable))
        return DOCTOR_TOOL_UNABLE;
    if (holds(output, "certificate") || holds(output, "x509") || holds(output, "SSL"))
        return DOCTOR_TOOL_UNTRUSTED;
    return DOCTOR_TOOL_FAILED;
}

// What it said last, in one line, without what could be a credential; given to mem_free.
static char *quote(const struct text *output)
{
    const char *string = text_string(output);
    size_t size = output->size, start, to = 0;
    char *line;

    while (size > 0 && isspace((unsigned char)string[size - 1]))
        size--;
    for (start = size; start > 0 && string[start - 1] != '\n'; start--)
        ;
    line = mem_bytes_string(bytes_of(string + start, size - start));
    line[redact(line, strlen(line))] = '\0';
    // A URL's user and password.
    for (char *at = line; *at; at++) {
        size_t name = strncmp(at, "://", 3) == 0 ? strcspn(at + 3, "/@ ") : 0;
        line[to++] = iscntrl((unsigned char)*at) ? ' ' : *at;
        if (name && at[3 + name] == '@') {
            memcpy(line + to, "//", 2);
            to += 2;
            at += 3 + name;
        }
    }
    line[to < QUOTE_MAX ? to : QUOTE_MAX] = '\0';
    return line;
}

static void say_untrusted(struct doctor *doctor, const struct doctor_tool *tool)
{
    const char *file = getenv(tool->variable), *name = tool->published ? tool->published : "bundle.pem";
    char *ours = doctor->published ? mem_format("%s/%s", doctor->published, name) : NULL;
    char why[512] = "is not set";
    char *mend = ours ? mem_format("set it to %s; `. %s/env` sets it for all tools", ours, doctor->published)
                      : mem_format("set it to the %s that gitlatch publishes (`ca.publish`)", name);

    if (file && access(file, R_OK) != 0)
        snprintf(why, sizeof(why), "names %s, which cannot be read: %s", file, strerror(errno));
    else if (file)
        snprintf(why, sizeof(why), "names %s, which does not hold the CA of this gitlatch", file);
    if (doctor->clock_wrong)
        doctor_wrong(doctor, tool->name,
                     "does not trust gitlatch's certificate" FINDING_WHY
                     "that may be the clock's doing alone" FINDING_MEND "set the clock first");
    else
        doctor_wrong(doctor, tool->name, "does not trust gitlatch's certificate: %s %s" FINDING_MEND "%s",
                     tool->variable, why, mend);
    mem_free(mend);
    mem_free(ours);
}

static void say_failed(struct doctor *doctor, const struct doctor_tool *tool, const struct text *output)
{
    char *line = quote(output);

    if (holds(output, "gh auth login"))
        doctor_wrong(doctor, tool->name,
                     "does not start without a token" FINDING_MEND
                     "set GH_TOKEN to the word `gitlatch`, which is none: export GH_TOKEN=gitlatch");
    else
        doctor_wrong(doctor, tool->name, "does not reach gitlatch; it says: %s", line);
    mem_free(line);
}

bool doctor_tool_is_led(const struct doctor *doctor, const struct doctor_tool *tool)
{
    return (tool->is_git ? doctor->git_way : doctor->tools_way) != DOCTOR_NO_WAY;
}

enum doctor_outcome doctor_tool_try(const struct doctor_tool *tool, struct text *ret_output)
{
    const struct doctor_program program = {
        .argv = tool->argv, .environment = tool->environment, .directory = tool->directory};
    int status = 0;

    switch (doctor_program_run(&program, DOCTOR_TIMEOUT_MS, ret_output, &status)) {
    case DOCTOR_PROGRAM_EXITED:
        return judge(tool, ret_output);
    case DOCTOR_PROGRAM_TIMED_OUT:
        text_append(ret_output, "\nno end within 15 s");
        return DOCTOR_TOOL_FAILED;
    case DOCTOR_PROGRAM_FAILED:
        text_append(ret_output, strerror(errno));
        return DOCTOR_TOOL_FAILED;
    }
    return DOCTOR_TOOL_FAILED;
}

void doctor_tool_say(struct doctor *doctor, const struct doctor_tool *tool, enum doctor_outcome outcome,
                     const struct text *output)
{
    if (outcome == DOCTOR_TOOL_OK && tool->is_git && doctor->git_way == DOCTOR_GATEWAY)
        doctor_ok(doctor, tool->name, "reaches GitHub through gitlatch");
    else if (outcome == DOCTOR_TOOL_OK)
        doctor_ok(doctor, tool->name, "reaches GitHub through gitlatch and trusts its CA");
    else if (outcome == DOCTOR_TOOL_UNABLE)
        doctor_note(doctor, tool->name, "not tried: it says \"%s\"", tool->unable);
    else if (outcome == DOCTOR_TOOL_UNTRUSTED)
        say_untrusted(doctor, tool);
    else
        say_failed(doctor, tool, output);
}

void doctor_tool_examine(struct doctor *doctor, const struct doctor_tool *tool)
{
    struct text output = {0};

    if (doctor_tool_is_led(doctor, tool) && doctor_program_is_found(tool->argv[0]))
        doctor_tool_say(doctor, tool, doctor_tool_try(tool, &output), &output);
    text_free(&output);
}
